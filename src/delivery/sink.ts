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
