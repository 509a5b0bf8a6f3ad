/**
 * One row of an instance's totals, as sinks receive it: the whole total, never an increment, so that sending it again changes
 * nothing. `id` is made of all the names below and is the row's identity in every store.
 */
export interface RollupRow {
  id: string
  /** Grows with every change of the row: a store keeps the total with the greatest. */
  version: number
  instance: string
  /** `model_hour`, `key_day` … (`stores/rollups/levels.ts`). */
  level: string
  /** Unix milliseconds, UTC: the start of the hour or day. */
  startMs: number
  project: string
  /** The key's or the user's id on the levels that have one; '' elsewhere. */
  owner: string
  provider: string
  model: string
  outcome: string
  modelCall: boolean
  requests: number
  /** As `encodeSums` of `stores/rollups/sums.ts` writes them. */
  sums: Uint8Array
}
