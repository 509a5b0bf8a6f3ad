import type { Purge, PurgeCounts } from '../records/purge.ts'
import type { RollupRow } from '../records/rollup.ts'
import type { StoredRecord } from '../records/stored.ts'

/**
 * Thrown for what would be refused again unchanged. Any other error is retried. `refused` names the records that were refused
 * and says that all others of the batch are safe; where it is empty, the batch was refused as a whole and nothing is known of
 * its records one by one.
 */
export class Refused extends Error {
  override name = 'Refused'
  readonly refused: readonly RefusedId[]

  constructor(message: string, options: ErrorOptions & { refused?: readonly RefusedId[] } = {}) {
    super(message, options)
    this.refused = options.refused ?? []
  }
}

/** A record that the sink can never take, and why. */
export interface RefusedId {
  id: string
  code: string
  message: string
}

/** Accepts records, or other items. Batching, deadlines, retries and counters are not its business. */
export interface Sink<Item = StoredRecord> {
  readonly name: string
  /** Resolves once the batch is safe. The same batch may arrive twice; it counts once. */
  write(batch: readonly Item[], signal: AbortSignal): Promise<void>
  /** Resolves when the place answers. A sink without it is only known by its writes. */
  check?(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** A sink that also keeps totals, so that it can answer for usage by itself. */
export interface RollupSink extends Sink, TotalsTaker {}

export interface TotalsTaker {
  /** Resolves once the rows are safe. An older total of a row must never replace a newer one. */
  writeRollups(rows: readonly RollupRow[], signal: AbortSignal): Promise<void>
}

/** A sink that deletes what it has taken. */
export interface PurgingSink extends Sink, Purger {}

export interface Purger {
  /**
   * Deletes some of what the purge is about, whoever sent it; of totals those of this instance that are older than the purge.
   * Begins when no write is on its way. What was deleted before counts no more; a dry purge only counts.
   */
  purge(purge: Purge, signal: AbortSignal): Promise<PurgeProgress>
}

export interface PurgeProgress {
  counts: PurgeCounts
  /** Nothing is left. */
  done: boolean
}
