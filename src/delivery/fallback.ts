import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Purge, PurgeCounts } from '../records/purge.ts'
import type { CallInLine } from './outbox.ts'
import type { SinkState } from './sink-status.ts'

/** Where records also go while their sink is away, for people to read. */
export interface Fallback {
  readonly directory: string
  /** Nothing behind this place in the outbox was appended yet. */
  place(): number
  /** Appends the records that were not yet; returns how many. When it throws, none counts as appended. */
  append(calls: readonly CallInLine[]): number
  appendEvent(event: ConnectionEvent): void
  /** Takes out what a purge is about; nothing may be appended meanwhile. */
  purge(purge: Purge): Promise<PurgeCounts>
}

/** Something that happened to the connection with a sink. */
export interface ConnectionEvent {
  atMs: number
  /** `lost`, `reconnected` … */
  event: string
  status: 'success' | 'error'
  details: Readonly<Record<string, unknown>>
}

export interface FallbackDeliveryOptions {
  sink: string
  fallback: Fallback
  /** The next records behind this place that the sink does not have either, oldest first. */
  behind(place: number): readonly CallInLine[]
  /** What the fallback is to delete next, and to say when it did. */
  nextPurge(): Purge | null
  settlePurge(purge: Purge, counts: PurgeCounts): void
  log: Pick<Log, 'info' | 'warn'>
  clock: Pick<Clock, 'wall'>
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface FallbackDelivery {
  /** To be told whenever the sink's state is another one. */
  changed(state: SinkState): void
  /** Appends while the sink is away, until `stop`; then once more what is there. */
  run(): Promise<void>
  stop(): void
}

/** Appends to the fallback what waits for a sink that is away: from the opening of its circuit until it takes records again. */
export function createFallbackDelivery(options: FallbackDeliveryOptions): FallbackDelivery {
  const { sink, fallback, behind, nextPurge, settlePurge, log, clock, sleep } = options
  const stopped = new AbortController()
  const events: ConnectionEvent[] = []
  let woken = Promise.withResolvers<void>()
  let away = false
  let records = 0
  let failing = false
  let unpurged = false

  const pass = (): boolean => {
    let more = false
    for (let event = events[0]; event !== undefined; event = events[0]) {
      fallback.appendEvent(event)
      events.shift()
    }
    if (away) {
      const batch = behind(fallback.place())
      records += fallback.append(batch)
      more = batch.length > 0
    }
    if (failing) log.info('the CSV fallback takes records again', { directory: fallback.directory })
    failing = false
    return more
  }

  const passOrWarn = (): boolean => {
    try {
      return pass()
    } catch (error) {
      const { directory } = fallback
      if (!failing) log.warn('the CSV fallback takes nothing; records still wait for their sink', { directory, error })
      failing = true
      return false
    }
  }

  /** Between two passes, for both write to the files. */
  const purgeOrWarn = async (): Promise<boolean> => {
    const { directory } = fallback
    try {
      const purge = nextPurge()
      if (purge === null) return false
      const counts = await fallback.purge(purge)
      settlePurge(purge, counts)
      if (!purge.dry) log.info('the CSV fallback deleted what a purge is about', { directory, ...counts })
      unpurged = false
      return true
    } catch (error) {
      if (!unpurged) log.warn('rows could not be deleted from the CSV fallback; trying again', { directory, error })
      unpurged = true
      return false
    }
  }

  return {
    changed({ state, code }) {
      const isAway = state === 'down'
      if (isAway === away || state === 'degraded') return
      away = isAway
      const { directory } = fallback
      if (away) log.warn('a sink is away: records are also written to CSV files', { sink, directory, code })
      else log.info('a sink is back: records are no longer written to CSV files', { sink, directory, records })
      events.push({
        atMs: clock.wall(),
        event: away ? 'lost' : 'reconnected',
        status: away ? 'error' : 'success',
        details: away ? { sink, code } : { sink, records },
      })
      records = 0
      woken.resolve()
      woken = Promise.withResolvers()
    },
    async run() {
      while (!stopped.signal.aborted) {
        const { promise } = woken
        if (passOrWarn() || (await purgeOrWarn())) await sleep(0, stopped.signal)
        else await Promise.race([sleep(pollMs, stopped.signal), promise])
      }
      while (passOrWarn());
    },
    stop() {
      stopped.abort()
      woken.resolve()
    },
  }
}

const pollMs = 1_000
