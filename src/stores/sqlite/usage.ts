import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { type Level, levels } from '../rollups/levels.ts'
import { levelsFor, type Span, spans, timeUnit } from '../rollups/plan.ts'
import { addCall, emptySums, mergeEncodedSums, mergeSums, type Sums, usageSums } from '../rollups/sums.ts'
import { type Zone, zoneOf } from '../rollups/zone.ts'
import { Unanswerable, type UsageAnswer, type UsageGroup, type UsageQuery, type UsageRow } from '../store.ts'
import { Conditions, common } from './conditions.ts'
import { bytesOf, factSelection, factsFrom } from './record-rows.ts'

/** More calls than this are not added up one by one for one question. */
export const recordLimit = 200_000
const defaultGroups = 1000

/** Grouped sums: from rollups, and from the records at edges that no rollup row fits. */
export function usage(database: DatabaseSync, project: string | null, query: UsageQuery): UsageAnswer {
  const zone = zoneFor(query)
  const groups = new Groups(query.groupBy, zone)
  let read = 0
  for (const span of plan(database, project, query, zone)) {
    if (span.source === 'records') {
      for (const row of recordsIn(database, project, query, span)) {
        if (++read > recordLimit) throw tooMany(query)
        const facts = factsFrom(row)
        addCall(groups.sumsOf(row, facts.timestampMs), facts)
      }
    } else {
      for (const row of rollupsIn(database, project, query, span, span.source))
        mergeEncodedSums(groups.sumsOf(row, Number(row.start_ms)), bytesOf(row.sums))
    }
  }
  return groups.answer(timeUnit(query) !== null, query.limit ?? defaultGroups)
}

/** Sums by the values of the grouping. */
class Groups {
  readonly #names: readonly UsageGroup[]
  readonly #zone: Zone
  readonly #found = new Map<string, { group: UsageRow['group']; sinceMs: number; sums: Sums }>()

  constructor(names: readonly UsageGroup[], zone: Zone) {
    this.#names = names
    this.#zone = zone
  }

  sumsOf(row: Row, atMs: number): Sums {
    let place = ''
    for (const name of this.#names) {
      const value = name === 'hour' || name === 'day' ? `${this.#zone.place(name, atMs)}` : `${row[name] ?? ''}`
      place += `${value.length}:${value}`
    }
    let found = this.#found.get(place)
    if (found === undefined) {
      found = { group: this.#group(row, atMs), sinceMs: atMs, sums: emptySums() }
      this.#found.set(place, found)
    }
    if (atMs < found.sinceMs) found.sinceMs = atMs
    return found.sums
  }

  answer(byTime: boolean, limit: number): UsageAnswer {
    const totals = emptySums()
    const rows = [...this.#found.values()].sort(
      (one, other) =>
        (byTime ? one.sinceMs - other.sinceMs : 0) || other.sums.counts.requests - one.sums.counts.requests,
    )
    for (const { sums } of rows) mergeSums(totals, sums)
    const kept = byTime ? rows.slice(-limit) : rows.slice(0, limit) // the newest hours, the largest groups
    const shown = this.#names.length === 0 ? [] : kept
    return {
      groups: shown.map(({ group, sums }) => ({ group, ...usageSums(sums) })),
      totals: usageSums(totals),
      truncated: this.#names.length > 0 && rows.length > limit,
    }
  }

  #group(row: Row, atMs: number): UsageRow['group'] {
    const group: Partial<Record<UsageGroup, string | null>> = {}
    for (const name of this.#names) {
      const value = row[name]
      if (name === 'hour' || name === 'day') group[name] = this.#zone.label(name, atMs)
      else group[name] = value === null || value === undefined || value === '' ? null : String(value)
    }
    return group
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
  const owner = level === 'user_day' ? 'user' : 'key'
  const groups = query.groupBy
    .filter((name) => name !== 'hour' && name !== 'day')
    .map((name) => (name === owner ? `owner AS "${owner}", ` : `${name}, `))
  return database.prepare(`SELECT start_ms, ${groups.join('')}sums FROM rollups WHERE ${sql}`).all(...values)
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
