import type { MatchStep } from '../meter/match.ts'
import type { PriceRow } from '../meter/price-rows.ts'
import type { ExplainedPrice } from './prices.ts'
import { tableText } from './table.ts'
import { countText, oneLine, timeText } from './text.ts'

/** The prices of one entry as a person reads them. */
export function pricesText(price: ExplainedPrice, wallMs: number, zone: string, width: number): string {
  const { provider, entry, mode, context_window, deprecated } = price
  const facts = [
    mode,
    context_window === null ? null : `${countText(Number(context_window))} tokens of context`,
    deprecated === null ? null : `retired ${deprecated}`,
  ].filter((fact) => fact !== null)
  const from =
    price.list === 'built-in' ? `built-in list, ${price.version}` : `${oneLine(price.list)}, ${price.version}`
  const lines = [
    `${oneLine(`${provider}/${entry}`)}${facts.length > 0 ? ` · ${oneLine(facts.join(' · '))}` : ''}`,
    '',
    `Found       ${foundText(price)}`,
    `List        ${from}`,
    ...(price.sources.length > 0 ? [`Sources     ${oneLine(price.sources.join(', '))}`] : []),
    `As of       ${timeText(wallMs, zone, 'full')}`,
  ]
  const rows = [...price.usual, ...price.others]
  const table = tableText(
    [
      { head: 'For', text: ({ kind }: PriceRow) => oneLine(kind.replaceAll('_', ' ')), least: 10 },
      { head: 'Price', align: 'right', text: ({ price, unit }) => (unit === 'factor' ? price : `$${oneLine(price)}`) },
      { head: 'Unit', text: ({ unit }) => (unit === 'factor' ? '' : unit) },
      { head: 'When', text: ({ when }) => oneLine(when.join(', ')), least: 16 },
    ],
    rows,
    width,
  )
  return `${lines.join('\n')}\n\n${rows.length > 0 ? table : 'It has no prices: calls of it have no cost.\n'}`
}

const stepTexts: Readonly<Record<MatchStep, string>> = {
  'own name': 'a name of your own for it',
  prefix: 'without the provider in front',
  'fine-tune': 'a fine-tune has the price of its tuned base',
  'vendor form': 'as this vendor also writes it',
  version: 'without its date or version',
  alias: 'another name of the entry',
  rule: 'by a pattern',
  'only owner': 'no other provider has it',
}

function foundText({ entry, found_as, steps }: ExplainedPrice): string {
  const how = steps.map((step) => stepTexts[step]).join(', ')
  const as = found_as === entry.toLowerCase() ? 'under its name' : `as ${oneLine(found_as)}`
  return how === '' ? as : `${as}: ${how}`
}
