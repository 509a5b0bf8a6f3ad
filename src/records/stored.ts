import type { RunRecord } from './llm-run.ts'
import type { TelemetryRecord } from './telemetry.ts'

/** Everything that is kept of one call, as sinks receive it. */
export interface StoredRecord {
  telemetry: TelemetryRecord
  run: RunRecord
  /** Kept bytes, in the coding that `run.request_body.coding` names; null when none are kept. */
  requestBytes: Uint8Array | null
  responseBytes: Uint8Array | null
  /**
   * Arrival of each piece of the answer: pairs of (milliseconds since the request was accepted, offset of the piece's end),
   * as little-endian float64s. Null when not captured.
   */
  chunkTimes: Uint8Array | null
  /** Gaps between content events in milliseconds, for the rollups' histogram. Not stored themselves. */
  gapsMs: readonly number[]
  /** The same as the histogram that was made of them, on records that were read back (`stores/rollups/facts.ts`). */
  gaps?: Uint8Array
  /** What it takes in the embedded database, on records that were read back: how large it is, roughly. */
  keptBytes?: number
}
