import type { CostFields, RecordedCost } from '../records/bill.ts'
import type { RunRecord } from '../records/llm-run.ts'
import type { TelemetryRecord } from '../records/telemetry.ts'

/** Which calls are priced again. */
export interface RepriceFilter {
  project?: string
  provider?: string
  model?: string
  /** Unix milliseconds: inclusive start, exclusive end. */
  fromMs?: number
  toMs?: number
}

/** A call as it is stored, to be priced again. */
export interface StoredCall {
  telemetry: TelemetryRecord
  /** What its run says of the price, where its telemetry does not; null where it does, or the run has expired. */
  run: PricedRun | null
}

export type PricedRun = Pick<RunRecord, 'service_tier' | 'raw_usage'> & { bill?: RunRecord['bill'] }

/** A call whose cost is another one now. */
export interface CostChange {
  /** As it is stored until now. */
  telemetry: TelemetryRecord
  cost: RecordedCost
}

/** The same as what a store has to write for it, in a form that can be kept. */
export interface CostUpdate {
  id: string
  cost: RecordedCost
}

/** Records of older versions tell in their run alone what decided the price. */
export const needsRun = ({ metadata }: TelemetryRecord): boolean => !('price_terms' in metadata)

export const updateOf = ({ telemetry, cost }: CostChange): CostUpdate => ({ id: telemetry._id, cost })

export const withCost = (telemetry: TelemetryRecord, fields: CostFields): TelemetryRecord => ({
  ...telemetry,
  metadata: { ...telemetry.metadata, ...fields },
})

/** Whether the record says something else of the cost. Where the run was not read, the same prices make the same bill. */
export function isChanged({ telemetry, run }: StoredCall, { fields, bill }: RecordedCost): boolean {
  const { metadata } = telemetry
  const names = Object.keys(fields) as (keyof CostFields)[]
  if (names.some((name) => metadata[name] !== fields[name])) return true
  return run !== null && JSON.stringify(run.bill ?? []) !== JSON.stringify(bill)
}
