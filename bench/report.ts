import Table from 'cli-table3'
import type { Spread } from './client/job.ts'
import type { Measured } from './measure.ts'

interface Column {
  title: string
  cell(row: Measured, direct: Measured | undefined): string
}

const number = (value: number | null | undefined, digits = 0): string =>
  value === null || value === undefined
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

const added = (row: Measured, direct: Measured | undefined, of: 'latencyMs' | 'ttftMs', at: keyof Spread): string => {
  const [mine, theirs] = [row[of]?.[at], direct?.[of]?.[at]]
  return mine === undefined || theirs === undefined || row === direct ? '–' : number(mine - theirs, 3)
}

/** The columns of the table for people. Times are milliseconds where nothing else is said. */
const columns: readonly Column[] = [
  { title: 'subject', cell: (row) => row.subject },
  {
    title: 'calls/s',
    cell: (row) => (row.failed > 0 ? `FAILS ${row.failed} of ${row.calls}` : number(row.callsPerSecond)),
  },
  {
    title: 'spread',
    cell: (row) => (row.rounds < 2 ? '–' : `${number(row.callsPerSecondLow)}…${number(row.callsPerSecondHigh)}`),
  },
  { title: 'CPU µs: serving', cell: (row) => number(row.servingCpuUs, 1) },
  { title: 'all', cell: (row) => number(row.allCpuUs, 1) },
  { title: 'p50', cell: (row) => number(row.latencyMs?.p50, 3) },
  { title: 'p90', cell: (row) => number(row.latencyMs?.p90, 3) },
  { title: 'p99', cell: (row) => number(row.latencyMs?.p99, 3) },
  { title: 'p99.9', cell: (row) => number(row.latencyMs?.p999, 3) },
  { title: 'added p50', cell: (row, direct) => added(row, direct, 'latencyMs', 'p50') },
  { title: 'p99', cell: (row, direct) => added(row, direct, 'latencyMs', 'p99') },
  { title: 'added TTFT p50', cell: (row, direct) => added(row, direct, 'ttftMs', 'p50') },
  { title: 'p99', cell: (row, direct) => added(row, direct, 'ttftMs', 'p99') },
  { title: 'chunk lag p99', cell: (row) => number(row.lagMs?.p99, 3) },
  { title: 'MiB idle', cell: (row) => number(row.idleMib) },
  { title: 'peak', cell: (row) => number(row.peakMib) },
  {
    title: 'recorded',
    cell: ({ recorded }) =>
      recorded === null
        ? '–'
        : `${number(recorded.stored)} of ${number(recorded.accepted)} after ${number(recorded.seconds, 1)} s`,
  },
]

const directOf = (rows: readonly Measured[]): Measured | undefined => rows.find(({ subject }) => subject === 'direct')

/** Columns that say nothing for this load are left out. */
function cellsOf(rows: readonly Measured[]): { titles: string[]; lines: string[][] } {
  const direct = directOf(rows)
  const cells = rows.map((row) => columns.map((column) => column.cell(row, direct)))
  const shown = columns.map((_, place) => cells.some((line) => line[place] !== '–'))
  return {
    titles: columns.map(({ title }) => title).filter((_, place) => shown[place]),
    lines: cells.map((line) => line.filter((_, place) => shown[place])),
  }
}

export function tableText(rows: readonly Measured[]): string {
  const { titles, lines } = cellsOf(rows)
  const table = new Table({ head: titles, style: { head: [], border: [], compact: true } })
  table.push(...lines)
  return table.toString()
}

export function tableMarkdown(rows: readonly Measured[]): string {
  const { titles, lines } = cellsOf(rows)
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [row(titles), row(titles.map(() => '---')), ...lines.map(row)].join('\n')
}

/** A subject's calls a second as a share of another's; null where one of them failed or was not there. */
export function ratio(rows: readonly Measured[], subject: string, other: string): number | null {
  const [one, two] = [subject, other].map((name) => rows.find((row) => row.subject === name && row.failed === 0))
  return one && two && two.callsPerSecond > 0 ? one.callsPerSecond / two.callsPerSecond : null
}
