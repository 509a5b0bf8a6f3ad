import type { UnpricedAnswer, UnpricedModel } from '../stores/unpriced.ts'
import { program } from './program.ts'
import { tableText } from './table.ts'
import { countText, oneLine, unknown } from './text.ts'

/** Which calls the cost leaves out, and why. */
export function unpricedText({ calls, models, truncated }: UnpricedAnswer, width: number): string {
  const table = tableText(
    [
      { head: 'Calls', align: 'right', text: (row: UnpricedModel) => countText(row.calls) },
      { head: 'Model', text: (row) => nameText(row), least: 10, wanted: 40 },
      { head: 'Why', text: ({ reason }) => (reason === null ? unknown : oneLine(reason)), least: 16 },
      { head: 'One of them', text: ({ call }) => call ?? unknown, leaveOut: 1 },
    ],
    models,
    width,
  )
  const more = truncated ? 'There are more models: narrow the question.\n' : ''
  return `
The cost leaves out ${callsText(calls)} that used tokens, or something else that is billed, without a known price:

${table}${more}"${program} prices MODEL" tells what the lists have; with a price in config/prices.yaml, "${program} reprice" makes past costs again.
`
}

export const callsText = (count: number): string => (count === 1 ? '1 call' : `${countText(count)} calls`)

const nameText = ({ provider, model }: UnpricedModel): string =>
  oneLine([provider, model ?? 'no model named'].filter((name) => name !== null).join('/'))
