import type { PriceTerms } from '../records/bill.ts'
import { booleanAt, numberAt, stringAt } from '../records/json.ts'
import type { Usage } from '../records/usage.ts'
import type { Billable } from './cost.ts'
import { decimalOf, decimalText, scaled, scaledRounded } from './decimal.ts'

/** What of a call's bill its record would not tell otherwise; null when that is nothing. */
export function priceTerms(billed: Billable, usage: Usage | null): PriceTerms | null {
  const { serviceTier, batch, conditions, units = {} } = billed
  const reported = billed.usage?.costReportedUsd ?? null
  const terms = { service_tier: serviceTier, batch, conditions, reported_usd: reported, units: { ...units } }
  const isPlain =
    serviceTier === null &&
    !batch &&
    conditions.length === 0 &&
    Object.keys(units).length === 0 &&
    reported === (usage?.costReportedUsd ?? null)
  return isPlain ? null : terms
}

/** With a key of one's own behind OpenRouter its bill is its fee alone; the vendor's part is told beside it. */
export function withUpstreamBill(usage: Usage | null, rawUsage: unknown): Usage | null {
  if (!usage || usage.costReportedUsd === null || booleanAt(rawUsage, 'is_byok') !== true) return usage
  const upstream = numberAt(rawUsage, 'cost_details', 'upstream_inference_cost')
  if (upstream === null || upstream < 0) return { ...usage, costReportedUsd: null }
  const total = scaledRounded(usage.costReportedUsd, 12) + scaled(decimalOf(upstream), 12)
  return { ...usage, costReportedUsd: decimalText(total, 12) }
}

/** What multiplies token prices: told by the usage object (speed, place of inference) or by a regional host name. */
export function conditionsOf(rawUsage: unknown, origin: string): string[] {
  const told = ['speed', 'inference_geo'].flatMap((name) => {
    const value = stringAt(rawUsage, name)
    return value === null ? [] : [`${name}:${value}`]
  })
  const region = /^https?:\/\/(us|eu)\.api\./.exec(origin)?.[1]
  return region === undefined ? told : [...told, `region:${region}`]
}
