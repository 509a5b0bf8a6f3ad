import type { DatabaseSync } from 'node:sqlite'
import type { TelemetryRecord } from '../../records/telemetry.ts'
import { countedInRollups } from '../rollups/counted.ts'
import { type RunPage, type RunQuery, type RunSummary, Unanswerable } from '../store.ts'
import { Conditions, common } from './conditions.ts'
import { countCalls } from './usage-rows.ts'

export const skipLimit = 10_000
const pageLimit = 1000
/** One more than a list shows of a text, so that it can say there is more. */
const summaryCharacters = 10_001
/** Rows looked at in one step; between steps the clock is asked. */
const stepRows = 2000
/** A page whose filters match little ends after this time, with a cursor that goes on where it stopped. */
const scanMs = 1500
/** Up to this many rows are counted to tell a total. */
const countRows = 10_000

/** Calls, newest first, by keyset: the cursor is the place of the last row seen, so rows that arrive meanwhile move nothing. */
export function runs(database: DatabaseSync, project: string | null, query: RunQuery): RunPage {
  const skip = query.skip ?? 0
  if (skip > skipLimit) throw new Unanswerable('skip', `skip=${skip}: at most ${skipLimit}; page on with cursor`)
  const limit = Math.max(1, Math.min(query.limit, pageLimit))
  const { base, filter } = conditionsOf(project, query)
  const scan = database.prepare(
    `SELECT seq, timestamp_ms, (${filter.sql}) AS matches FROM telemetry
     WHERE ${base.sql} AND (timestamp_ms, seq) < (?, ?) ORDER BY timestamp_ms DESC, seq DESC LIMIT ${stepRows}`,
  )
  const holdsText = textMatcher(database, query.text)
  const until = performance.now() + scanMs
  const found: number[] = []
  let place = query.cursor === undefined ? newest : parseCursor(query.cursor)
  let skipped = 0
  let ended = false

  const more = (): boolean => found.length <= limit && !ended && performance.now() < until
  while (more()) {
    let seen = 0
    for (const row of scan.iterate(...filter.values, ...base.values, place.timestampMs, place.seq)) {
      seen++
      const seq = Number(row.seq)
      if (row.matches === 1 && holdsText(seq) && ++skipped > skip && found.push(seq) > limit) break
      place = { timestampMs: Number(row.timestamp_ms), seq }
      if (seen % 100 === 0 && performance.now() > until) break
    }
    ended = found.length <= limit && seen < stepRows && performance.now() < until
  }
  const items = found.slice(0, limit).map((seq) => summary(database, seq))
  return {
    items,
    nextCursor: ended ? null : cursorAt(place),
    total: total(database, project, query, base, filter),
  }
}

/** The rows to walk through (`base`, served by one index) and what each must fulfil (`filter`). */
function conditionsOf(project: string | null, query: RunQuery): { base: Conditions; filter: Conditions } {
  const base = new Conditions()
  const filter = new Conditions()
  const named = [
    ['session = ?', query.session],
    ['"key" = ?', query.key],
    ['"user" = ?', query.user],
    ['project = ?', project ?? undefined],
  ] as const
  const chosen = named.findIndex(([, value]) => value !== undefined)
  for (const [place, [sql, value]] of named.entries()) (place === chosen ? base : filter).when(sql, value)
  base.when('timestamp_ms >= ?', query.fromMs).when('timestamp_ms < ?', query.toMs)

  common(filter, query)
    .when('status_code = ?', query.statusCode)
    .when('latency_ms >= ?', query.latencyMinMs)
    .when('latency_ms <= ?', query.latencyMaxMs)
    .when('total_tokens >= ?', query.tokensMin)
    .when('total_tokens <= ?', query.tokensMax)
  const operation = query.operation ?? 'model'
  if (operation === 'model') filter.add('model_call = 1')
  else if (operation !== 'all') filter.add('operation = ?', operation)
  if (query.status !== undefined) filter.add('error = ?', Number(query.status === 'error'))
  return { base, filter }
}

function textMatcher(database: DatabaseSync, text: string | undefined): (seq: number) => boolean {
  if (text === undefined || text === '') {
    const there = database.prepare('SELECT 1 FROM documents WHERE seq = ?') // delivered ones may have gone
    return (seq) => there.get(seq) !== undefined
  }
  const wanted = text.toLowerCase()
  const find = database.prepare('SELECT prompt, completion FROM documents WHERE seq = ?')
  return (seq) => {
    const row = find.get(seq)
    return [row?.prompt, row?.completion].some(
      (part) => typeof part === 'string' && part.toLowerCase().includes(wanted),
    )
  }
}

function summary(database: DatabaseSync, seq: number): RunSummary {
  const row = database
    .prepare(
      `SELECT telemetry, substr(prompt, 1, ${summaryCharacters}) AS prompt, substr(completion, 1, ${summaryCharacters}) AS completion
       FROM documents WHERE seq = ?`,
    )
    .get(seq)
  return {
    telemetry: JSON.parse(String(row?.telemetry)) as TelemetryRecord,
    prompt: typeof row?.prompt === 'string' ? row.prompt : null,
    completion: typeof row?.completion === 'string' ? row.completion : null,
  }
}

function total(
  database: DatabaseSync,
  project: string | null,
  query: RunQuery,
  base: Conditions,
  filter: Conditions,
): number | null {
  if (query.text !== undefined && query.text !== '') return null
  const operations = countedInRollups(query)
  if (operations !== null) {
    const counted = countCalls(database, project, { ...query, groupBy: [], operations })
    if (counted !== null) return counted
  }
  const row = database
    .prepare(
      `SELECT count(*) AS seen, sum(matches) AS matching
       FROM (SELECT (${filter.sql}) AS matches FROM telemetry WHERE ${base.sql} LIMIT ${countRows + 1})`,
    )
    .get(...filter.values, ...base.values)
  return Number(row?.seen) > countRows ? null : Number(row?.matching ?? 0)
}

interface Place {
  timestampMs: number
  seq: number
}

const newest: Place = { timestampMs: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER }

const cursorAt = ({ timestampMs, seq }: Place): string => Buffer.from(`${timestampMs}.${seq}`).toString('base64url')

function parseCursor(cursor: string): Place {
  const [, timestampMs, seq] = /^(\d{1,16})\.(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (timestampMs === undefined || seq === undefined)
    throw new Unanswerable('cursor', `cursor=${cursor}: not one of ours; begin without a cursor`)
  return { timestampMs: Number(timestampMs), seq: Number(seq) }
}
