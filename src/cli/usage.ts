import { type UsageAnswer, type UsageGroup, type UsageRow, type UsageSums, usageGroups } from '../stores/store.ts'
import type { Command, Io } from './command.ts'
import { UsageError } from './failure.ts'
import type { Arguments } from './options.ts'
import { program } from './program.ts'
import { filterOptions, filters, timeZone, wholeOption } from './question.ts'
import { type Column, tableText } from './table.ts'
import { countText, durationText, moneyText, oneLine, percentText, rateText, unknown } from './text.ts'
import { callsText, unpricedText } from './unpriced-text.ts'
import { recordOptions, withRecords } from './with-records.ts'

export const usage: Command = {
  details: `Examples:
  sightglass usage
  sightglass usage --group-by project,model --from 7d
  sightglass usage --group-by day --from 2026-11-01 --tz Europe/Berlin
  sightglass usage --json --group-by key`,
  options: {
    'group-by': {
      value: 'NAMES',
      short: 'g',
      about: `Rows of the table, with commas between: ${usageGroups.join(', ')} (project,model); none for one sum.`,
    },
    ...filterOptions,
    limit: { value: 'N', short: 'n', about: 'Most rows (100).' },
    ...recordOptions,
  },
  async run(given, io) {
    const zone = timeZone(given)
    const groups = groupsOf(given)
    const narrowed = { ...filters(given, zone, ['model', 'all']), tz: zone }
    const question = {
      ...narrowed,
      ...(groups.length > 0 ? { group_by: groups.join(',') } : {}),
      limit: String(wholeOption(given, 'limit', 1, 10_000) ?? 100),
    }
    const { answer, unpriced } = await withRecords(given, io, async (records) => {
      const found = await records.usage(question)
      return { answer: found, unpriced: found.totals.unpriced > 0 ? await records.unpriced(narrowed) : null }
    })
    if (given.flag('json')) io.out(`${JSON.stringify({ ...answer, ...(unpriced && { unpriced }) }, null, 2)}\n`)
    else
      io.out(
        `${usageText(answer, groups, given, zone, io)}${unpriced === null ? '' : unpricedText(unpriced, io.width)}`,
      )
    return 0
  },
}

function groupsOf(given: Arguments): readonly UsageGroup[] {
  const text = given.text('group-by') ?? 'project,model'
  if (text === 'none') return []
  const names = text.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !usageGroups.some((group) => group === name))
  if (wrong !== undefined || new Set(names).size < names.length) {
    throw new UsageError(
      `--group-by ${text}: wants different ones of ${usageGroups.join(', ')} with commas between, or none`,
    )
  }
  return names as UsageGroup[]
}

function usageText(answer: UsageAnswer, groups: readonly UsageGroup[], given: Arguments, zone: string, io: Io): string {
  if (answer.totals.requests === 0) {
    const narrowed = ['from', 'to', 'project', 'key', 'user', 'model', 'provider', 'outcome'].some((name) =>
      given.text(name),
    )
    return narrowed ? 'No calls like that.\n' : `No calls yet. "${program} start" prints how to point a client at it.\n`
  }
  const total: UsageRow = { ...answer.totals, group: {} }
  const rows = answer.groups.length > 1 || answer.truncated ? [...answer.groups, total] : answer.groups
  const columns = [...groups.map((name, place) => groupColumn(name, place === 0, total)), ...sumColumns]
  const table = tableText(columns, rows.length > 0 ? rows : [total], io.width)
  return `${table}${remarks(answer, groups, zone)}`
}

function groupColumn(name: UsageGroup, first: boolean, total: UsageRow): Column<UsageRow> {
  return {
    head: `${name[0]?.toUpperCase()}${name.slice(1)}`,
    text: (row) => {
      if (row === total) return first ? 'all' : ''
      const value = row.group[name]
      return value === null || value === undefined ? unknown : oneLine(value)
    },
    least: name === 'hour' || name === 'day' ? 10 : 8,
    wanted: 32,
  }
}

const hasTokens = (sums: UsageSums) => sums.input_tokens + sums.output_tokens + sums.total_tokens > 0

/** Sums of tokens are over the calls that have them: where none has, nothing is known. */
const tokens = (read: (sums: UsageSums) => number) => (sums: UsageSums) =>
  hasTokens(sums) ? `${sums.estimated > 0 ? '~' : ''}${countText(read(sums))}` : unknown

const sumColumns: readonly Column<UsageRow>[] = [
  { head: 'Calls', align: 'right', text: (sums) => countText(sums.requests) },
  {
    head: 'Errors',
    align: 'right',
    text: (sums) =>
      sums.errors === 0 ? '0' : `${countText(sums.errors)} (${percentText(sums.errors, sums.requests)})`,
    leaveOut: 3,
  },
  { head: 'In', align: 'right', text: tokens((sums) => sums.input_tokens) },
  {
    head: 'Cached',
    align: 'right',
    text: (sums) => (hasTokens(sums) ? countText(sums.cached_input_tokens) : unknown),
    leaveOut: 7,
  },
  { head: 'Out', align: 'right', text: tokens((sums) => sums.output_tokens) },
  { head: 'Cost', align: 'right', text: costText },
  { head: 'TTFT p50', align: 'right', text: (sums) => durationText(sums.ttft_ms?.p50), leaveOut: 4 },
  { head: 'Latency p50', align: 'right', text: (sums) => durationText(sums.latency_ms?.p50), leaveOut: 5 },
  { head: 'p95', align: 'right', text: (sums) => durationText(sums.latency_ms?.p95), leaveOut: 6 },
  { head: 'Tokens/s', align: 'right', text: (sums) => rateText(sums.output_tokens_per_second), leaveOut: 8 },
]

/** What is priced, with a `+` when other calls have no price; unknown when none has. */
function costText(sums: UsageSums): string {
  if (sums.unpriced === 0)
    return hasTokens(sums) || sums.cost_picodollars !== '0' ? moneyText(sums.cost_picodollars) : unknown
  return sums.cost_picodollars === '0' ? unknown : `${moneyText(sums.cost_picodollars)}+`
}

function remarks({ totals, truncated }: UsageAnswer, groups: readonly UsageGroup[], zone: string): string {
  const lines: string[] = []
  if (groups.includes('hour') || groups.includes('day')) lines.push(`Times are in ${zone}.`)
  if (totals.estimated > 0)
    lines.push(
      `~ holds estimates: the provider reported no tokens for ${callsText(totals.estimated)}. Streams of clients that do not ask for their usage are counted by the provider once include_usage is set.`,
    )
  if (truncated) lines.push('There are more rows: raise --limit, or narrow the question.')
  return lines.length > 0 ? `\n${lines.join('\n')}\n` : ''
}
