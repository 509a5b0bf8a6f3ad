import type { PurgeAnswer } from '../api/purge-answer.ts'
import { countText, harmless, oneLine, timeText } from './text.ts'

type Part = PurgeAnswer['parts'][number]

/** What was deleted, or would be, line by line. */
export function purgeText(purge: PurgeAnswer, zone: string): string {
  const done = purge.dry_run ? 'would go' : 'went'
  const lines = purge.parts.flatMap((part) => partLines(part, done))
  const head = purge.dry_run ? 'Without --dry-run these would go' : `Purge ${purge.number}`
  return `${head}: calls ${aboutText(purge)}, that began before ${timeText(Date.parse(purge.bound), zone, 'full')}\n${lines.join('\n')}\n`
}

/** The question before it is done. */
export const questionText = (purge: PurgeAnswer): string =>
  `Delete all calls ${aboutText(purge)}? This cannot be undone. Type yes: `

/** How far it is. */
export const progressText = (purge: PurgeAnswer): string =>
  `${purge.parts.map((part) => `${nameOf(part)}: ${part.state === 'done' ? 'done' : countsText(part)}`).join(' · ')}\n`

const aboutText = ({ user, project, before }: PurgeAnswer): string =>
  [
    ...(user === null ? [] : [`of user ${oneLine(user)}`]),
    ...(project === null ? [] : [`of project ${oneLine(project)}`]),
    ...(user === null && project === null && before !== null ? ['of everybody'] : []),
  ].join(', ')

function partLines(part: Part, done: string): string[] {
  const lines = [`  ${nameOf(part).padEnd(18)} ${countsText(part)}`]
  if (part.state === 'waiting')
    lines.push(
      `  ${''.padEnd(18)} waits${part.message ? `: ${harmless(part.message)}` : ''}; it ${done === 'went' ? 'goes' : 'is counted'} when that is over, also after a restart`,
    )
  return lines
}

const names: Readonly<Record<string, string>> = {
  embedded: 'Embedded database',
  csv: 'CSV files',
  mongodb: 'MongoDB',
}

const nameOf = ({ name }: Part): string => names[name] ?? name

/** One row for each thing that a part counts. */
const things: Readonly<Record<string, string>> = {
  records: 'records',
  bodies: 'of them with bodies',
  pending: 'of them never sent to a sink (dropped)',
  quarantined: 'of them in quarantine (dropped)',
  telemetry: 'calls (telemetry)',
  llm_runs: 'runs (llm_runs)',
  rollups: 'rows of sums',
  totals: 'counters',
  rows: 'rows',
  changed: 'files left as they are, for somebody changed them',
}

function countsText({ counts }: Part): string {
  const names = [...new Set([...Object.keys(things), ...Object.keys(counts)])].filter((name) => (counts[name] ?? 0) > 0)
  return names.map((name) => `${countText(counts[name])} ${things[name] ?? name}`).join(', ') || 'nothing'
}
