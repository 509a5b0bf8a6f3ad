import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { type Level, levels } from '../rollups/levels.ts'
import { levelsFor, type Span, spans, timeUnit } from '../rollups/plan.ts'
import { addCall, emptySums, type Sums, usageSums } from '../rollups/sums.ts'
import { type Zone, zoneOf } from '../rollups/zone.ts'
import { Unanswerable, type UsageAnswer, type UsageGroup, type UsageQuery, type UsageRow } from '../store.ts'
import { Conditions, common } from './conditions.ts'
import { factSelection, factsFrom } from './record-rows.ts'
import { addRow, sumColumns } from './rollup-rows.ts'

/** More calls than this are not added up one by one for one question. */
export const recordLimit = 200_000
const defaultGroups = 1000

/** Grouped sums: from rollups, and from the records at edges that no rollup row fits. */
export function usage(database: DatabaseSync, project: string | null, query: UsageQuery): UsageAnswer {
  const zone = zoneFor(query)
  const groups = new Map<string, { group: UsageRow['group']; order: number; sums: Sums }>()
  const totals = emptySums()
  const sumsOf = (row: Row, atMs: number): Sums => {
    const group: Partial<Record<UsageGroup, string | null>> = {}
    for (const name of query.groupBy) group[name] = groupValue(row, name, zone, atMs)
    const place = JSON.stringify(query.groupBy.map((name) => group[name]))
    let found = groups.get(place)
    if (found === undefined) {
      found = { group, order: atMs, sums: emptySums() }
      groups.set(place, found)
    }
    found.order = Math.min(found.order, atMs)
    return found.sums
  }

  let read = 0
  for (const span of plan(database, project, query, zone)) {
    if (span.source === 'records') {
      for (const row of recordsIn(database, project, query, span)) {
        if (++read > recordLimit) throw tooMany(query)
        const facts = factsFrom(row)
        addCall(sumsOf(row, facts.timestampMs), facts)
        addCall(totals, facts)
      }
    } else {
      for (const row of rollupsIn(database, project, query, span, span.source)) {
        addRow(sumsOf(row, Number(row.start_ms)), row)
        addRow(totals, row)
      }
    }
  }

  const timed = timeUnit(query) !== null
  const rows = [...groups.values()].sort(
    (one, other) => (timed ? one.order - other.order : 0) || other.sums.counts.requests - one.sums.counts.requests,
  )
  const limit = query.limit ?? defaultGroups
  return {
    groups:
      query.groupBy.length === 0 ? [] : rows.slice(0, limit).map(({ group, sums }) => ({ group, ...usageSums(sums) })),
    totals: usageSums(totals),
    truncated: query.groupBy.length > 0 && rows.length > limit,
  }
}

/** How many calls match, when rollups alone can tell; else null. */
export function countCalls(database: DatabaseSync, project: string | null, query: UsageQuery): number | null {
  const planned = plan(database, project, query, zoneOf('UTC'))
  if (planned.some(({ source }) => source === 'records')) return null
  let requests = 0
  for (const span of planned) {
    if (span.source === 'records') return null
    const { sql, values } = rollupConditions(project, query, span, span.source)
    requests += Number(
      database.prepare(`SELECT sum(requests) AS requests FROM rollups WHERE ${sql}`).get(...values)?.requests ?? 0,
    )
  }
  return requests
}

type Row = Record<string, SQLOutputValue>

function zoneFor({ timeZone }: UsageQuery): Zone {
  try {
    return zoneOf(timeZone ?? 'UTC')
  } catch (cause) {
    if (cause instanceof RangeError) throw new Unanswerable('tz', `tz=${timeZone}: no such time zone`)
    throw cause
  }
}

function plan(database: DatabaseSync, project: string | null, query: UsageQuery, zone: Zone): readonly Span[] {
  const known = bounds(database, project)
  if (known === null) return []
  return spans(
    query,
    zone,
    Math.max(query.fromMs ?? known.fromMs, known.fromMs),
    Math.min(query.toMs ?? known.toMs, known.toMs),
  )
}

/** From the first day with calls to the end of the last one. */
function bounds(database: DatabaseSync, project: string | null): { fromMs: number; toMs: number } | null {
  const edge = (order: 'ASC' | 'DESC', name: string): number | null => {
    const row = database
      .prepare(
        `SELECT start_ms FROM rollups WHERE level = ${levels.model_day} AND project = ? AND owner = '' ORDER BY start_ms ${order} LIMIT 1`,
      )
      .get(name)
    return row === undefined ? null : Number(row.start_ms)
  }
  let fromMs = Number.POSITIVE_INFINITY
  let toMs = Number.NEGATIVE_INFINITY
  const projects = project === null ? projectNames(database) : [project]
  for (const name of projects) {
    const first = edge('ASC', name)
    const last = edge('DESC', name)
    if (first === null || last === null) continue
    fromMs = Math.min(fromMs, first)
    toMs = Math.max(toMs, last + 86_400_000)
  }
  return fromMs < toMs ? { fromMs, toMs } : null
}

/** Each project once, by jumps through the index. */
const projectsOf = (level: number): string => `
  WITH RECURSIVE names (name) AS (
    SELECT min(project) FROM rollups WHERE level = ${level}
    UNION ALL
    SELECT (SELECT min(project) FROM rollups WHERE level = ${level} AND project > names.name) FROM names WHERE name IS NOT NULL
  )
  SELECT name FROM names WHERE name IS NOT NULL`

const projectNames = (database: DatabaseSync): string[] =>
  database
    .prepare(projectsOf(levels.model_day))
    .all()
    .map(({ name }) => String(name))

function rollupConditions(project: string | null, query: UsageQuery, span: Span, level: Level): Conditions {
  const conditions = new Conditions().add('level = ?', levels[level])
  if (project === null) conditions.add(`project IN (${projectsOf(levels[level])})`)
  else conditions.add('project = ?', project)
  if (level === 'model_hour' || level === 'model_day') conditions.add("owner = ''")
  else conditions.when('owner = ?', level === 'user_day' ? query.user : query.key)
  conditions.add('start_ms >= ? AND start_ms < ?', span.fromMs, span.toMs)
  if (query.operations !== 'all') conditions.add('model_call = 1')
  return common(conditions, query)
}

function rollupsIn(
  database: DatabaseSync,
  project: string | null,
  query: UsageQuery,
  span: Span,
  level: Level,
): Iterable<Row> {
  const { sql, values } = rollupConditions(project, query, span, level)
  const owner = level === 'user_day' ? 'owner AS "user"' : 'owner AS "key"'
  return database
    .prepare(
      `SELECT start_ms, project, ${owner}, provider, model, outcome, ${sumColumns.join(', ')} FROM rollups WHERE ${sql}`,
    )
    .iterate(...values)
}

function recordsIn(database: DatabaseSync, project: string | null, query: UsageQuery, span: Span): Iterable<Row> {
  const conditions = new Conditions()
    .when('project = ?', project)
    .add('timestamp_ms >= ? AND timestamp_ms < ?', span.fromMs, span.toMs)
    .when('"key" = ?', query.key)
    .when('"user" = ?', query.user)
  if (query.operations !== 'all') conditions.add('model_call = 1')
  const { sql, values } = common(conditions, query)
  return database
    .prepare(`SELECT ${factSelection} FROM telemetry WHERE ${sql} LIMIT ${recordLimit + 1}`)
    .iterate(...values)
}

function groupValue(row: Row, name: UsageGroup, zone: Zone, atMs: number): string | null {
  if (name === 'hour' || name === 'day') return zone.label(name, atMs)
  const value = row[name]
  return value === null || value === undefined || value === '' ? null : String(value)
}

function tooMany(query: UsageQuery): Unanswerable {
  const more = `more than ${recordLimit} calls would have to be added up one by one`
  if (levelsFor(query) === null)
    return new Unanswerable('user', `user with key, provider or outcome: ${more}; give a shorter time`)
  if (query.user !== undefined || query.groupBy.includes('user'))
    return new Unanswerable('from', `by user: ${more}; give whole UTC days, or a shorter time`)
  if (query.timeZone !== undefined && timeUnit(query) !== null)
    return new Unanswerable('tz', `tz=${query.timeZone}: ${more}; give a shorter time, or a zone of whole hours`)
  return new Unanswerable('from', `from and to cut through an hour: ${more}; give whole hours`)
}
