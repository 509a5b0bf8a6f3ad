import { isObject, type JsonObject, objectOf } from '../records/json.ts'
import type { PriceEntry } from './prices.ts'
import { priceSheet } from './sheet.ts'

/** One price of an entry, and when it holds. */
export interface PriceRow {
  /** `input`, `cached_input`, `per_image` … */
  readonly kind: string
  /** Dollars as the list has them, or a factor (`× 1.1`). */
  readonly price: string
  readonly unit: 'per 1M tokens' | 'each' | 'factor'
  /** Conditions that must all be met; none: the usual price. */
  readonly when: readonly string[]
}

/** The usual prices at a moment, and those that hold instead under conditions. */
export function priceRows(entry: PriceEntry, wallMs: number): { usual: PriceRow[]; others: PriceRow[] } {
  const sheet = priceSheet(entry, { wallMs, inputTokens: 0, serviceTier: null, batch: false })
  const usual = [...sheet]
    .filter(([kind]) => isPrice(kind) && !kind.startsWith(batch))
    .map(([kind, { text }]): PriceRow => row(kind, text, []))
  const sizes = rowsOf(pick(entry.fields, byName), [])
  return { usual: [...usual, ...sizes], others: rowsOf(entry.fields, []).filter(({ when }) => when.length > 0) }
}

/** Groups of prices that hold under one condition, by their name in the list. */
const groups: Readonly<Record<string, (fields: JsonObject) => string>> = {
  tiers: ({ above_input_tokens: tokens }) => `above ${String(tokens)} input tokens`,
  history: ({ until }) => `before ${String(until)}`,
  changes: ({ from }) => `from ${String(from)} on`,
  off_peak: ({ peak_hours: peak }) => `outside the peak hours ${peakText(objectOf(peak))}`,
  priority: () => 'service tier priority',
  flex: () => 'service tier flex',
  ultrafast: () => 'service tier ultrafast',
}

/** Prices of one thing by what it is like. */
const byName = ['per_image_sizes', 'web_search'] as const
const notPrices: ReadonlySet<string> = new Set(['context_window', 'max_output', 'max_input', 'above_input_tokens'])
const batch = 'batch_'

const isPrice = (name: string): boolean => !notPrices.has(name)
const isDecimal = (value: unknown): value is string => typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)

function rowsOf(fields: JsonObject, when: readonly string[]): PriceRow[] {
  return Object.entries(fields).flatMap(([name, value]): PriceRow[] => {
    const group = groups[name]
    if (group) return [value].flat().flatMap((one) => (isObject(one) ? rowsOf(one, [...when, group(one)]) : []))
    if (name === 'multipliers')
      return Object.entries(objectOf(value)).map(
        ([condition, times]): PriceRow => ({
          ...{ kind: 'all tokens', price: `× ${String(times)}`, unit: 'factor', when: [...when, condition] },
        }),
      )
    if (byName.some((known) => known === name) && isObject(value))
      return Object.entries(value).map(([like, price]) => row(`${name}.${like}`, String(price), when))
    if (!isPrice(name) || !isDecimal(value)) return []
    return name.startsWith(batch)
      ? [row(name.slice(batch.length), value, [...when, 'in a batch'])]
      : [row(name, value, when)]
  })
}

const row = (kind: string, price: string, when: readonly string[]): PriceRow => ({
  ...{ kind, price, when },
  unit: kind.startsWith('per_') || kind.startsWith('web_search') ? 'each' : 'per 1M tokens',
})

const pick = (fields: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.flatMap((name) => (isObject(fields[name]) ? [[name, fields[name]]] : [])))

/** `01:00–04:00, 06:00–10:00 UTC on mon, tue` */
function peakText({ utc, days }: JsonObject): string {
  const hours = [utc].flat(1).map((window) => (Array.isArray(window) ? window.map(String).join('–') : ''))
  return `${hours.join(', ')} UTC${Array.isArray(days) ? ` on ${days.join(', ')}` : ''}`
}
