import type { Check } from '../pipeline/verify/check.ts'
import type { Difference } from '../pipeline/verify/differences.ts'
import { type Column, tableText } from './table.ts'
import { countText, oneLine, shortened } from './text.ts'
import type { VerifiedCall, VerifyReport } from './verify-tally.ts'

/** What was found of one call, for people. */
export function oneText({ id, place, recorded_by, checks }: VerifiedCall, width: number): string {
  const by = recorded_by === null ? '' : ` · recorded by version ${recorded_by}`
  const table = tableText(
    [
      { head: 'Check', text: ({ what }) => what },
      { head: 'Result', text: resultText, least: 20 },
    ],
    checks,
    width,
  )
  const found = checks.flatMap(({ differences }) => differences)
  return `${id} · ${place}${by}\n\n${table}${found.length > 0 ? `\n${tableText(columns, found, width)}` : ''}`
}

const resultText = ({ state, why }: Check): string =>
  why === null ? state : `${state}${state === 'not checked' ? ':' : '; not checked:'} ${oneLine(why)}`

/** Values may be whole conversations. */
const longest = 200

const shown = (value: unknown): string => shortened(oneLine(JSON.stringify(value) ?? 'nothing'), longest)

const columns: readonly Column<Difference>[] = [
  { head: 'Field', text: ({ field }) => oneLine(field), least: 12, wanted: 40 },
  { head: 'Recorded', text: ({ recorded }) => shown(recorded), least: 10 },
  { head: 'Found', text: ({ found }) => shown(found), least: 10 },
]

const mostLines = 200

/** What was found in many calls. */
export function allText(report: VerifyReport, width: number): string {
  const { checked, differing, calls, not_checked } = report
  if (checked === 0) return 'No calls like that.\n'
  const lines = calls.flatMap(({ id, checks }) =>
    checks.flatMap(({ differences }) => differences.map((difference) => ({ id, ...difference }))),
  )
  const table = tableText(
    [{ head: 'ID', text: ({ id }: { id: string }) => id }, ...columns] as readonly Column<(typeof lines)[number]>[],
    lines.slice(0, mostLines),
    width,
  )
  const more =
    lines.length > mostLines || report.more > 0
      ? 'There are more: `sightglass verify ID` shows those of one call, --json up to 1,000 calls.\n'
      : ''
  const reasons = not_checked
    .toSorted((one, other) => other.calls - one.calls)
    .map(({ what, why, calls }) => `  ${countText(calls)}  ${what}: ${oneLine(why)}\n`)
  return [
    `${countText(checked)} ${checked === 1 ? 'call' : 'calls'} checked, ${countText(differing)} with differences.\n`,
    lines.length > 0 ? `\n${table}${more}` : '',
    reasons.length > 0 ? `\nNot checked:\n${reasons.join('')}` : '',
  ].join('')
}
