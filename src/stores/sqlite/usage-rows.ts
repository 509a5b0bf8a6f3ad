import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { recordLimit } from '../rollups/groups.ts'
import { dayMs, type Level, levels } from '../rollups/levels.ts'
import { type Span, spans } from '../rollups/plan.ts'
import { type Zone, zoneOf } from '../rollups/zone.ts'
import type { UsageGroup, UsageQuery } from '../store.ts'
import { Conditions, common } from './conditions.ts'
import { bytesOf, factSelection } from './record-rows.ts'

type Row = Record<string, SQLOutputValue>

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

/** The spans that answer the query, within the days that have calls. */
export function plan(database: DatabaseSync, project: string | null, query: UsageQuery, zone: Zone): readonly Span[] {
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
  const edge = (order: 'ASC' | 'DESC') =>
    database.prepare(
      `SELECT start_ms FROM rollups WHERE level = ${levels.model_day} AND project = ? AND owner = '' ORDER BY start_ms ${order} LIMIT 1`,
    )
  const [earliest, latest] = [edge('ASC'), edge('DESC')]
  let fromMs = Number.POSITIVE_INFINITY
  let toMs = Number.NEGATIVE_INFINITY
  const projects = project === null ? projectNames(database) : [project]
  for (const name of projects) {
    const [first, last] = [earliest.get(name), latest.get(name)]
    if (first === undefined || last === undefined) continue
    fromMs = Math.min(fromMs, Number(first.start_ms))
    toMs = Math.max(toMs, Number(last.start_ms) + dayMs)
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

/** One row: its names as a JSON array in the order of the query's grouping, without hour and day. */
export type SeeRollup = (names: string, startMs: number, sums: Uint8Array) => void

export type RollupReader = (project: string | null, query: UsageQuery, span: Span, level: Level, see: SeeRollup) => void

/** Shows rows one after the other to a function that SQL calls: an object for each of them would take longer than its sums. */
export function rollupReader(database: DatabaseSync): RollupReader {
  const unseen: SeeRollup = () => {}
  let seen = unseen
  database.function('seen', (names, startMs, sums) => {
    seen(String(names), Number(startMs), bytesOf(sums))
    return null
  })
  return (project, query, span, level, see) => {
    const { sql, values } = rollupConditions(project, query, span, level)
    const owner = level === 'user_day' ? 'user' : 'key'
    const names = namesIn(query).map((name) => (name === owner ? 'owner' : name))
    seen = see
    database
      .prepare(`SELECT count(seen(json_array(${names.join(', ')}), start_ms, sums)) FROM rollups WHERE ${sql}`)
      .get(...values)
    seen = unseen // the sums of an answer are not kept
  }
}

/** The groupings that are names. */
export const namesIn = ({ groupBy }: UsageQuery): readonly UsageGroup[] =>
  groupBy.filter((name) => name !== 'hour' && name !== 'day')

/** One more than the limit at most, so that the reader notices. */
export function recordsIn(
  database: DatabaseSync,
  project: string | null,
  query: UsageQuery,
  span: Span,
): Iterable<Row> {
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
