import type { RepriceReport } from '../stores/reprice.ts'
import type { CostDifference, GroupDifference } from '../stores/reprice-tally.ts'
import { type Column, tableText } from './table.ts'
import { countText, durationText, moneyText, oneLine, unknown } from './text.ts'

/** What pricing again changed, or would change, for people. */
export function repriceText(report: RepriceReport, isTrial: boolean, elapsedMs: number, width: number): string {
  const { totals, groups } = report
  if (totals.calls === 0) return `No calls like that.\n${elsewhereText(report)}`
  const shown = groups.slice(0, mostGroups)
  const rows: readonly Row[] = [
    ...shown.map((group) => ({ ...group, names: [nameOf(group.project, group), nameOf(group.model, group)] as const })),
    ...(groups.length > 1 ? [{ ...totals, names: ['all', ''] as const }] : []),
  ]
  const more = groups.length > shown.length ? `and ${countText(groups.length - shown.length)} more\n` : ''
  const done = isTrial ? 'Would change' : 'Changed'
  const summary = `${done} ${countText(totals.changed)} of ${countText(totals.calls)} calls, in ${durationText(elapsedMs)}.`
  return `${tableText(columns, rows, width)}${more}\n${summary}\n${remarks(report)}${elsewhereText(report)}`
}

const mostGroups = 100
const mostReasons = 20

interface Row extends CostDifference {
  names: readonly [project: string, model: string]
}

const nameOf = (name: string | null, { project }: GroupDifference): string =>
  project === null ? '(others)' : name === null ? unknown : oneLine(name)

const some = (count: number): string => (count === 0 ? '' : countText(count))

const columns: readonly Column<Row>[] = [
  { head: 'Project', text: ({ names }) => names[0], least: 8, wanted: 24 },
  { head: 'Model', text: ({ names }) => names[1], least: 10, wanted: 32 },
  { head: 'Calls', align: 'right', text: ({ calls }) => countText(calls) },
  { head: 'Changed', align: 'right', text: ({ changed }) => countText(changed), leaveOut: 4 },
  { head: 'Before', align: 'right', text: ({ before }) => moneyText(before) },
  { head: 'After', align: 'right', text: ({ after }) => moneyText(after) },
  { head: 'Difference', align: 'right', text: ({ difference }) => signed(difference) },
  { head: 'Newly priced', align: 'right', text: (row) => some(row.newly_priced), leaveOut: 2 },
  { head: 'No longer', align: 'right', text: (row) => some(row.no_longer_priced), leaveOut: 1 },
  { head: 'Unpriced', align: 'right', text: (row) => some(row.still_unpriced), leaveOut: 3 },
]

const signed = (picodollars: string): string =>
  /^-|^0$/.test(picodollars) ? moneyText(picodollars) : `+${moneyText(picodollars)}`

function remarks({ totals, unpriced, sums_gone }: RepriceReport): string {
  const lines: string[] = []
  if (totals.no_longer_priced > 0)
    lines.push(`${countText(totals.no_longer_priced)} had a price, and have none by the present list.`)
  if (unpriced.length > 0) {
    lines.push('Without a price:')
    for (const { reason, calls } of unpriced.slice(0, mostReasons))
      lines.push(`  ${countText(calls)}  ${oneLine(reason)}`)
    if (unpriced.length > mostReasons) lines.push(`  and ${countText(unpriced.length - mostReasons)} more reasons`)
  }
  if (sums_gone > 0) lines.push(`${countText(sums_gone)} sums of older days were gone and are not corrected.`)
  return lines.length > 0 ? `${lines.join('\n')}\n` : ''
}

const elsewhereText = ({ elsewhere }: RepriceReport): string =>
  elsewhere === 0
    ? ''
    : `${countText(elsewhere)} calls are counted here and their records are not: they were delivered to a database that the settings do not name.\n`
