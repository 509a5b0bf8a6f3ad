import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { addCounts, type Purge, type PurgeCounts } from '../records/purge.ts'
import type { PurgesLine } from './outbox.ts'
import type { Purger } from './sink.ts'

export interface PurgingOptions {
  sink: { readonly name: string } & Partial<Purger>
  /** One without purges: nothing waits. */
  outbox: Partial<PurgesLine>
  log: Pick<Log, 'info' | 'warn'>
  clock: Pick<Clock, 'mono'>
  /** Does some work under the sink's deadline. */
  within(work: (signal: AbortSignal) => Promise<void>): Promise<void>
}

/** Carries out what was asked to be deleted from one sink, in order, between its batches. */
export class SinkPurges {
  #options: PurgingOptions
  #counts: PurgeCounts = {}
  /** Purges that are done, to be looked after once more. */
  #again: { purge: Purge; atMs: number }[] = []

  constructor(options: PurgingOptions) {
    this.#options = options
  }

  /** A step of what waits; false: nothing waits. */
  async step(): Promise<boolean> {
    const { sink, outbox, clock } = this.#options
    const purge = outbox.nextPurge?.(sink.name) ?? null
    if (purge !== null) {
      if (await this.#carryOut(purge)) this.#again.push({ purge, atMs: clock.mono() + againMs })
      return true
    }
    const [late] = this.#again
    if (late === undefined || clock.mono() < late.atMs) return false
    if (await this.#carryOut(late.purge)) this.#again.shift()
    return true
  }

  /** True: it is done. */
  async #carryOut(purge: Purge): Promise<boolean> {
    const { sink, outbox, log, within } = this.#options
    if (sink.purge === undefined) {
      log.warn('a sink cannot delete what it has: it keeps it', { sink: sink.name, purge: purge.number })
      outbox.settlePurge?.(sink.name, purge, {}, true)
      return false
    }
    let isDone = false
    await within(async (signal) => {
      const { counts, done } = await sink.purge!(purge, signal)
      outbox.settlePurge?.(sink.name, purge, counts, done)
      this.#counts = addCounts(this.#counts, counts)
      isDone = done
    })
    if (!isDone) return false
    const counts = this.#counts
    this.#counts = {}
    if (!purge.dry && Object.values(counts).some((count) => count > 0))
      log.info('a sink deleted what a purge is about', { sink: sink.name, purge: purge.number, ...counts })
    return !purge.dry
  }
}

/** A write that was given up may reach the sink after the purge: what it brought goes then. */
const againMs = 120_000
