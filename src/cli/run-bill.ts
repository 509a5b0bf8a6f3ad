import { decimalText, trimmed } from '../meter/decimal.ts'
import type { BilledLine } from '../records/bill.ts'
import type { RunDetail } from '../stores/store.ts'
import { tableText } from './table.ts'
import { countText, oneLine, unknown } from './text.ts'

/** The cost line by line, exact; the amounts together are the cost. Empty where there is no bill. */
export function billText({ telemetry: { metadata }, run }: RunDetail, width: number): string {
  const { cost_picodollars: cost, cost_estimated: isEstimate } = metadata
  const { bill } = run
  if (cost === null || bill.length === 0) return ''
  const rows = [
    ...bill.map((line) => ({
      kind: kindText(line.kind),
      quantity: `${isEstimate && line.unit === 'per 1M' ? '~' : ''}${quantityText(line.quantity)}`,
      price: priceText(line),
      amount: exactMoney(line.picodollars),
    })),
    { kind: 'cost', quantity: '', price: '', amount: exactMoney(cost) },
  ]
  return `\nbill\n${indented(
    tableText(
      [
        { head: 'For', text: ({ kind }) => kind, least: 8 },
        { head: 'Count', align: 'right', text: ({ quantity }) => quantity },
        { head: 'Price', align: 'right', text: ({ price }) => price },
        { head: 'Amount', align: 'right', text: ({ amount }) => amount },
      ],
      rows,
      width - 2,
    ),
  )}`
}

/** What is no token goes by its name. */
const kinds: Readonly<Record<string, string>> = {
  input: 'input tokens',
  cached_input: 'input tokens from a cache',
  cache_write: 'input tokens written to a cache',
  cache_write_1h: 'input tokens written to a cache for an hour',
  output: 'output tokens',
  reasoning_output: 'reasoning tokens',
  reported: "the vendor's own bill",
  per_image: 'images',
  per_second: 'seconds of sound',
  per_character: 'characters spoken',
  per_query: 'searches',
  per_request: 'requests',
  per_page: 'pages',
  web_search: 'web searches',
}

const kindText = (kind: string): string =>
  oneLine(kinds[kind] ?? String(kind).replace(/^per_/, '').replaceAll('_', ' '))

const quantityText = (quantity: number): string =>
  Number.isInteger(quantity) ? countText(quantity) : String(Math.round(quantity * 1e6) / 1e6)

const priceText = ({ price, unit, factor }: BilledLine): string =>
  oneLine(`$${price} ${unit}${factor ? ` × ${factor}` : ''}`)

/** Every digit of it. */
const exactMoney = (picodollars: string): string =>
  /^-?\d+$/.test(picodollars) ? `$${trimmed(decimalText(BigInt(picodollars), 12))}` : unknown

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')
