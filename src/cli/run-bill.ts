import { decimalText, trimmed } from '../meter/decimal.ts'
import type { BilledLine } from '../records/bill.ts'
import type { RunDetail } from '../stores/store.ts'
import { tableText } from './table.ts'
import { countText, oneLine } from './text.ts'

/** The cost line by line, exact; the amounts together are the cost. Empty where there is no bill. */
export function billText({ telemetry: { metadata }, run }: RunDetail, width: number): string {
  const { cost_picodollars: cost, cost_estimated: isEstimate } = metadata
  // of records that older versions made, undefined
  const bill: readonly BilledLine[] | undefined = run.bill
  if (cost === null || bill === undefined || bill.length === 0) return ''
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
}

const kindText = (kind: string): string => oneLine(kinds[kind] ?? kind.replace(/^per_/, '').replaceAll('_', ' '))

const quantityText = (quantity: number): string =>
  Number.isInteger(quantity) ? countText(quantity) : String(Math.round(quantity * 1e6) / 1e6)

const priceText = ({ price, unit, factor }: BilledLine): string =>
  `$${oneLine(price)} ${unit}${factor === null ? '' : ` × ${oneLine(factor)}`}`

/** Every digit of it. */
const exactMoney = (picodollars: string): string => `$${trimmed(decimalText(BigInt(picodollars), 12))}`

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')
