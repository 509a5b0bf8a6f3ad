import type { Purge, PurgeCounts } from '../records/purge.ts'
import type { RollupRow } from '../records/rollup.ts'
import type { StoredRecord } from '../records/stored.ts'

/** What waits for the sinks in one order, and for each sink its durable place in that. */
export interface Line<Item> {
  /** The next items behind the sink's place, oldest first; empty when there are none. */
  next(sink: string, limits: { records: number; bytes: number }): readonly OutboxRecord<Item>[]
  /** Reads the items behind `after` already now, for a `next` whose place is there. */
  ahead?(sink: string, after: number, limits: { records: number; bytes: number }): void
  /** Moves the sink's place behind `upTo`, and keeps what it refused, with the reason, in one transaction. */
  settle(sink: string, upTo: number, refused: readonly RefusedRecord[]): void
  /** accepted = stored + pending + quarantined + dropped, read in one snapshot. */
  counters(sink: string): SinkCounters
}

/** This instance's rollup rows as totals. */
export interface TotalsLine {
  /** Rollup rows that changed since the sink last took them; each with the version to settle. */
  changedRollups(sink: string, limit: number): readonly { row: RollupRow; version: number }[]
  settleRollups(sink: string, upTo: number): void
}

/** What was asked to be deleted. */
export interface PurgesLine {
  /**
   * What the sink is to delete next, once nothing of it can be sent any more. Until that is settled the sink is sent no record
   * of after the purge, and no totals. Null: nothing waits.
   */
  nextPurge(sink: string): Purge | null
  /** Adds to what the sink deleted; `done`: that was all. */
  settlePurge(sink: string, purge: Purge, counts: PurgeCounts, done: boolean): void
}

/** What the embedded database holds for the sinks of records. Implemented by `stores/sqlite/outbox.ts`. */
export interface Outbox extends Line<StoredRecord>, TotalsLine, PurgesLine {
  /** Rows that every sink has, and that are not needed for questions, go (only where another store answers them). */
  forgetDelivered(sinks: readonly string[], keepMs: number): number
}

export interface OutboxRecord<Item = StoredRecord> {
  /** Its place in the order; grows. */
  place: number
  /** As the sink names it when it refuses it. */
  id: string
  record: Item
  bytes: number
}

/** A record in line without what was said and the bytes. */
export interface CallInLine {
  place: number
  record: Pick<StoredRecord, 'telemetry'>
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
