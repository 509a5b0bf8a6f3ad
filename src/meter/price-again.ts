import type { RecordedCall, RecordedCost } from '../records/bill.ts'
import { stringAt } from '../records/json.ts'
import { modelOperations } from '../records/outcome.ts'
import { ownNames } from '../records/stored-names.ts'
import type { TelemetryMetadata } from '../records/telemetry.ts'
import { type Usage, unknownUsage } from '../records/usage.ts'
import { type Billable, costOf } from './cost.ts'
import { decimalText } from './decimal.ts'
import type { Cost } from './metered.ts'
import { conditionsOf, withUpstreamBill } from './price-terms.ts'
import type { PriceBook } from './prices.ts'

/** The cost of a recorded call by other prices than then; null for what is no call of a model. */
export function priceAgain(call: RecordedCall, prices: PriceBook): RecordedCost | null {
  if (!modelOperations.has(call.telemetry.metadata.operation)) return null
  return recordedCost(costOf(billableOf(call), prices))
}

/** A cost as records have it. */
export const recordedCost = (cost: Cost): RecordedCost => ({
  fields: {
    cost_picodollars: cost.picodollars === null ? null : cost.picodollars.toString(),
    cost_usd: cost.picodollars === null ? null : Number(decimalText(cost.picodollars, 12)),
    cost_estimated: cost.estimated,
    unpriced_reason: cost.unpricedReason,
    price_version: cost.priceVersion,
  },
  bill: cost.lines.map(({ kind, quantity, price, unit, factor, field, picodollars }) => ({
    kind,
    quantity,
    price,
    unit,
    factor,
    price_field: field,
    picodollars: picodollars.toString(),
  })),
})

function billableOf({ telemetry, run }: RecordedCall): Billable {
  const { metadata } = telemetry
  const usage = usageOf(metadata)
  const shared = {
    provider: metadata.provider,
    model: metadata.llm_model,
    wallMs: telemetry.timestamp_ms,
    estimated: metadata.token_source === 'estimated',
  }
  // of records that older versions made, undefined
  const terms: TelemetryMetadata['price_terms'] | undefined = metadata.price_terms
  if (terms === undefined) return { ...shared, ...termsBySaying(usage, run) }
  if (terms === null) return { ...shared, usage, serviceTier: null, batch: false, conditions: [] }
  return {
    ...shared,
    usage: usage && { ...usage, costReportedUsd: terms.reported_usd },
    serviceTier: terms.service_tier,
    batch: terms.batch,
    conditions: terms.conditions,
    ...(Object.keys(terms.units).length === 0 ? {} : { units: terms.units }),
  }
}

/** As far as what the vendor said tells them; of an older record the host that was called is not known. */
function termsBySaying(usage: Usage | null, run: RecordedCall['run']) {
  const serviceTier = run?.service_tier ?? stringAt(run?.raw_usage, 'service_tier')
  return {
    usage: withUpstreamBill(usage, run?.raw_usage),
    serviceTier,
    batch: serviceTier === 'batch',
    conditions: conditionsOf(run?.raw_usage, ''),
  }
}

/** Imported calls have two counts and no more. */
function usageOf({ usage, prompt_tokens, completion_tokens }: TelemetryMetadata): Usage | null {
  if (usage !== null) return { ...unknownUsage, ...ownNames<Usage>(usage) }
  if (prompt_tokens === null && completion_tokens === null) return null
  return { ...unknownUsage, input: prompt_tokens, output: completion_tokens }
}
