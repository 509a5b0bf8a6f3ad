import { type Count, without } from '../records/count.ts'
import type { HeaderPairs } from '../records/exchange.ts'
import { headerValue } from '../records/header-value.ts'
import { at, countAt, type JsonObject } from '../records/json.ts'
import { type Usage, unknownUsage } from '../records/usage.ts'
import { decimalText } from './decimal-text.ts'
import type { DecodeHints } from './decoder.ts'

/** The vendor's own bill where a hint says that the usage object holds one, in dollars. */
export function billOf(raw: JsonObject, { bill }: DecodeHints): string | null {
  const amount = bill ? decimalText(at(raw, ...bill.at)) : null
  return amount === null ? null : decimalText(`${amount}e-${bill?.places ?? 0}`)
}

/** Counters with dashes in their names, as numbers or as text; they hold the input alone. */
export function usageOfCounters(raw: JsonObject): Usage | null {
  const input = whole(raw['prompt-tokens'])
  return input === null ? null : inputOnly(input, whole(raw['cached-prompt-tokens']))
}

/** What is known where only the input was counted. */
const inputOnly = (input: number, cacheRead: Count): Usage => ({
  ...unknownUsage,
  input,
  inputUncached: without(input, cacheRead),
  cacheRead,
})

const whole = (value: unknown): Count =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : countAt({ value }, 'value')

/** The same from response headers, as a hint names them. */
export function usageOfHeaders({ countHeaders }: DecodeHints, headers: HeaderPairs): Usage | null {
  if (!countHeaders) return null
  const input = whole(headerValue(headers, countHeaders.input))
  return input === null ? null : inputOnly(input, whole(headerValue(headers, countHeaders.cacheRead ?? '')))
}
