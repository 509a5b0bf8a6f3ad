import type { StoredRecord } from '../records/stored.ts'
import type { TelemetryRecord } from '../records/telemetry.ts'

/** The database's file is damaged: no attempt will ever succeed on it. Thrown by whatever is asked of a store. */
export class StoreDamaged extends Error {
  override name = 'StoreDamaged'
}

/**
 * What the recorder needs of the embedded database: one transaction for records, rollups and the journal's position, so
 * that an exchange read twice is counted once. Implemented by `stores/sqlite`.
 */
export interface LocalStore {
  /** This data directory's own id, made with it. */
  readonly instance: string
  /** Where reading goes on, and what was applied above that place. */
  journalState(): JournalState
  /** All or nothing. Records whose id is already applied must not be handed in. */
  commit(batch: LocalBatch): void
  /** A call that began before a purge that is about it: it is not to be stored. */
  isPurged(call: TelemetryRecord): boolean
  /** Frames of exchanges that stayed open over many segments, in order of insertion. */
  carried(epoch: string): readonly CarriedFrame[]
  carriedFrame(rowId: number): Uint8Array
  /** Makes everything committed so far safe against power loss (a checkpoint that was synced). */
  checkpoint(): void
  counters(): StoreCounters
  close(): void
}

export interface LocalBatch {
  records: readonly StoredRecord[]
  /** Exchanges that made decoding fail: kept raw, with the error. Their records are in `records` too, as far as possible. */
  positions: readonly EpochPosition[]
  /** Epochs that are read to their end and whose files may go. */
  finishedEpochs: readonly string[]
  /** Ids applied above their epoch's position. */
  applied: readonly AppliedId[]
  /** Ids now below the position: forgotten. */
  settled: readonly string[]
  carry: readonly { epoch: string; exchange: number; frame: Uint8Array }[]
  /** Exchanges whose carried frames are no longer needed. */
  uncarry: readonly { epoch: string; exchange: number }[]
}

/** Everything before this place is in the database or carried. */
export interface EpochPosition {
  epoch: string
  segment: number
  offset: number
}

export interface AppliedId {
  epoch: string
  exchange: number
  id: string
}

export interface JournalState {
  positions: readonly EpochPosition[]
  applied: readonly AppliedId[]
  finishedEpochs: readonly string[]
}

export interface CarriedFrame {
  rowId: number
  exchange: number
}

export interface StoreCounters {
  telemetry: number
  runs: number
}
