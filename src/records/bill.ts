import type { RunRecord } from './llm-run.ts'
import type { TelemetryMetadata, TelemetryRecord } from './telemetry.ts'

/** A line of a call's bill, as records keep it. The amounts of all lines together are the cost, to the last 10⁻¹² dollar. */
export interface BilledLine {
  /** What was billed: `input`, `cached_input`, `output`, `web_search` … */
  kind: string
  quantity: number
  /** Dollars for the unit, as decimal text. */
  price: string
  unit: 'per 1M' | 'each'
  /** What the price was multiplied with (a fast mode, a region), as decimal text; null: nothing. */
  factor: string | null
  /** Where the price stands in its list: `input`, `tiers.[0].output`, `rules`. */
  price_field: string
  /** Whole 10⁻¹² dollars as decimal text. */
  picodollars: string
}

/**
 * What decided the price of a call beside its provider, model, time and usage: with these its cost can be made again. A record
 * without them was billed by those alone.
 */
export interface PriceTerms {
  service_tier: string | null
  batch: boolean
  /** `speed:fast`, `inference_geo:us`, `region:eu`: what multiplies prices where an entry says so. */
  conditions: readonly string[]
  /** The vendor's own bill in USD, decimal text; it comes before any list. */
  reported_usd: string | null
  /** Quantities that are no tokens (`images`, `seconds` …), by name. */
  units: Readonly<Record<string, number | string>>
}

/** What a record says of its cost. */
export type CostFields = Pick<
  TelemetryMetadata,
  'cost_picodollars' | 'cost_usd' | 'cost_estimated' | 'unpriced_reason' | 'price_version'
>

export interface RecordedCost {
  fields: CostFields
  bill: readonly BilledLine[]
}

/** A call as far as its price depends on it. Its run may have expired before it. */
export interface RecordedCall {
  telemetry: Pick<TelemetryRecord, 'timestamp_ms' | 'metadata'>
  run: Pick<RunRecord, 'service_tier' | 'raw_usage'> | null
}
