import type { Purge, PurgeCounts } from '../records/purge.ts'
import type { RollupRow } from '../records/rollup.ts'
import type { StoredRecord } from '../records/stored.ts'

/**
 * What the embedded database holds for the sinks: every record in the order it was stored, this instance's rollup rows as
 * totals, and for each sink its durable place in line. Implemented by `stores/sqlite/outbox.ts`.
 */
export interface Outbox {
  /** The next records behind the sink's place, oldest first; empty when there are none. */
  next(sink: string, limits: { records: number; bytes: number }): readonly OutboxRecord[]
  /** Moves the sink's place behind `upTo`, and keeps what it refused, with the reason, in one transaction. */
  settle(sink: string, upTo: number, refused: readonly RefusedRecord[]): void
  /** Rollup rows that changed since the sink last took them; each with the version to settle. */
  changedRollups(sink: string, limit: number): readonly { row: RollupRow; version: number }[]
  settleRollups(sink: string, upTo: number): void
  /**
   * What the sink is to delete next, once nothing of it can be sent any more. Until that is settled the sink is sent no record
   * of after the purge, and no totals. Null: nothing waits.
   */
  nextPurge(sink: string): Purge | null
  /** Adds to what the sink deleted; `done`: that was all. */
  settlePurge(sink: string, purge: Purge, counts: PurgeCounts, done: boolean): void
  /** accepted = stored + pending + quarantined + dropped, read in one snapshot. */
  counters(sink: string): SinkCounters
  /** Rows that every sink has, and that are not needed for questions, go (only where another store answers them). */
  forgetDelivered(sinks: readonly string[], keepMs: number): number
}

export interface OutboxRecord {
  /** Its place in the order; grows. */
  place: number
  record: StoredRecord
  bytes: number
}

export interface RefusedRecord {
  place: number
  id: string
  code: string
  message: string
}

export interface SinkCounters {
  accepted: number
  stored: number
  pending: number
  quarantined: number
  dropped: number
}
