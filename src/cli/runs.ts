import type { RunPage, RunSummary } from '../stores/store.ts'
import type { Command, Io } from './command.ts'
import { program } from './program.ts'
import { timeZone, wholeOption } from './question.ts'
import { runFilterOptions, runFilters } from './run-filters.ts'
import { type Column, tableText } from './table.ts'
import { countText, durationText, moneyText, oneLine, shortened, timeText, unknown } from './text.ts'
import { recordOptions, withRecords } from './with-records.ts'

export const runs: Command = {
  details: `Examples:
  sightglass runs
  sightglass runs --project checkout --status error --from 24h
  sightglass runs --text "refund" --limit 50 --json`,
  options: {
    limit: { value: 'N', short: 'n', about: 'Length of the list, at most 200 (20).' },
    cursor: { value: 'TEXT', about: 'Goes on where a list ended; the list prints it.' },
    ...runFilterOptions,
    ...recordOptions,
  },
  async run(given, io) {
    const zone = timeZone(given)
    const cursor = given.text('cursor')
    const question = {
      ...runFilters(given, zone),
      ...(cursor === undefined ? {} : { cursor }),
      limit: String(wholeOption(given, 'limit', 1, 200) ?? 20),
    }
    const page = await withRecords(given, io, (records) => records.runs(question))
    if (given.flag('json'))
      io.out(`${JSON.stringify({ items: page.items, next_cursor: page.nextCursor, total: page.total }, null, 2)}\n`)
    else io.out(runsText(page, zone, io))
    return 0
  },
}

function runsText(page: RunPage, zone: string, io: Io): string {
  if (page.items.length === 0) return 'No calls like that.\n'
  const day = commonDay(page.items, zone)
  const table = tableText(columnsFor(page.items, zone, day), page.items, io.width)
  const total = page.total !== null && page.total > page.items.length ? ` of ${countText(page.total)}` : ''
  const shown = `${page.items.length}${total} ${page.items.length === 1 && !total ? 'call' : 'calls'}, times ${day ? `of ${day} ` : ''}in ${zone}.`
  const more = page.nextCursor === null ? '' : ` The next: --cursor ${page.nextCursor}`
  return `${table}\n${shown} One of them in full: ${program} show ID${more === '' ? '' : `\n${more.trim()}`}\n`
}

function columnsFor(items: readonly RunSummary[], zone: string, day: string | null): readonly Column<RunSummary>[] {
  const idLength = distinctLength(items.map(({ telemetry }) => telemetry._id))
  return [
    { head: 'Time', text: ({ telemetry }) => timeText(telemetry.timestamp_ms, zone).slice(day ? day.length + 1 : 0) },
    { head: 'ID', text: ({ telemetry }) => telemetry._id.slice(0, idLength) },
    { head: 'Project', text: ({ telemetry }) => oneLine(telemetry.metadata.project_id), least: 8, wanted: 24 },
    {
      head: 'Model',
      text: ({ telemetry: { metadata } }) =>
        oneLine(metadata.model_served ?? metadata.model_requested ?? metadata.operation),
      least: 10,
      wanted: 32,
    },
    { head: 'Outcome', text: outcomeText, least: 8, wanted: 12 },
    {
      head: 'In',
      align: 'right',
      text: (run) => tokenText(run, run.telemetry.metadata.prompt_tokens),
      leaveOut: 1,
    },
    {
      head: 'Out',
      align: 'right',
      text: (run) => tokenText(run, run.telemetry.metadata.completion_tokens),
      leaveOut: 1,
    },
    { head: 'TTFT', align: 'right', text: ({ telemetry }) => durationText(telemetry.metadata.ttft_ms), leaveOut: 3 },
    {
      head: 'Latency',
      align: 'right',
      text: ({ telemetry }) => durationText(telemetry.metadata.latency_ms),
      leaveOut: 2,
    },
    { head: 'Cost', align: 'right', text: ({ telemetry }) => moneyText(telemetry.metadata.cost_picodollars) },
    { head: 'Prompt', text: ({ prompt }) => shortened(oneLine(prompt ?? unknown), 60), least: 12, leaveOut: 4 },
  ]
}

/** The day that all of them were made on, which then need not stand in every line. */
function commonDay(items: readonly RunSummary[], zone: string): string | null {
  const days = new Set(items.map(({ telemetry }) => timeText(telemetry.timestamp_ms, zone).split(' ', 1)[0]!))
  return days.size === 1 ? [...days][0]! : null
}

/** As much of the ids as tells these calls apart; it begins with the time, so `show` finds them by it. */
function distinctLength(ids: readonly string[]): number {
  for (const length of [13, 18, 23]) {
    if (new Set(ids.map((id) => id.slice(0, length))).size === ids.length) return length
  }
  return 36
}

const outcomeText = ({ telemetry: { metadata } }: RunSummary): string =>
  `${metadata.status_code || unknown} ${metadata.outcome}`

const tokenText = ({ telemetry }: RunSummary, count: number | null): string =>
  `${count !== null && telemetry.metadata.token_source === 'estimated' ? '~' : ''}${countText(count)}`
