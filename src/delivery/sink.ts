import type { RollupRow } from '../records/rollup.ts'
import type { StoredRecord } from '../records/stored.ts'

/** Thrown for a batch that would be refused again unchanged. Any other error is retried. */
export class Refused extends Error {
  override name = 'Refused'
}

/** Accepts records. Batching, deadlines, retries and counters are not its business. */
export interface Sink {
  readonly name: string
  /** Resolves once the batch is safe. The same batch may arrive twice; it counts once. */
  write(batch: readonly StoredRecord[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** A sink that also keeps totals, so that it can answer for usage by itself. */
export interface RollupSink extends Sink {
  /** Resolves once the rows are safe. An older total of a row must never replace a newer one. */
  writeRollups(rows: readonly RollupRow[], signal: AbortSignal): Promise<void>
}
