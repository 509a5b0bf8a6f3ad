import type { DatabaseSync } from 'node:sqlite'
import { type Level, levels, spanOf } from '../rollups/levels.ts'

/** Which rows of the rollups are meant: of these levels, with these names, and of periods that end in this time. */
export interface WantedRollups {
  levels: readonly Level[]
  /** Null: all of them. */
  project: string | null
  owner: string | null
  /** Exclusive and inclusive. */
  endsAfterMs: number
  endsByMs: number
}

/** Goes once through some rows, a little at a time, and deletes or counts them; where it is, it knows in memory only. */
export interface RollupWalk {
  /** Goes on until that moment of `performance.now()`. How many rows it deleted or counted. */
  step(untilMs: number): number
  isDone(): boolean
}

/** It looks at each project and owner once, and never at all rows in one go. */
export function rollupWalk(database: DatabaseSync, wanted: WantedRollups, use: 'delete' | 'count'): RollupWalk {
  const names = namesOf(database, wanted)
  const within = 'FROM rollups WHERE level = ? AND project = ? AND owner = ? AND start_ms >= ? AND start_ms < ?'
  const some = database.prepare(`SELECT start_ms ${within} ORDER BY start_ms LIMIT 1 OFFSET ${rowsAtOnce}`)
  const remove = database.prepare(`DELETE ${within}`)
  const count = database.prepare(`SELECT count(*) AS rows ${within}`)
  const left = [...wanted.levels]
  let at: Place | null = null

  const following = (level: Level): Place | null => {
    const next = names(levels[level], at)
    const span = spanOf(level)
    return next && { ...next, fromMs: wanted.endsAfterMs - span + 1, toMs: wanted.endsByMs - span + 1 }
  }

  /** The next rows of the place, all of the same moment together. */
  const piece = (level: Level, place: Place): number => {
    const range = [levels[level], place.project, place.owner, place.fromMs] as const
    const last = some.get(...range, place.toMs)?.start_ms
    const toMs = typeof last === 'number' ? last + 1 : place.toMs
    place.fromMs = toMs
    if (use === 'count') return Number(count.get(...range, toMs)?.rows)
    return Number(remove.run(...range, toMs).changes)
  }

  return {
    isDone: () => left.length === 0,
    step(untilMs) {
      let found = 0
      do {
        const [level] = left
        if (level === undefined) break
        if (at !== null && at.fromMs < at.toMs) found += piece(level, at)
        else {
          at = following(level)
          if (at === null) left.shift()
        }
      } while (performance.now() < untilMs)
      return found
    },
  }
}

interface Names {
  project: string
  owner: string
}

/** Finds the names that come after others in a level: by jumps through the primary key. */
function namesOf(database: DatabaseSync, { project, owner }: WantedRollups) {
  const one = (sql: string) => {
    const find = database.prepare(`SELECT project, owner FROM rollups WHERE level = ? AND ${sql} LIMIT 1`)
    return (...values: readonly (string | number)[]): Names | null => {
      const row = find.get(...values)
      return row === undefined ? null : { project: String(row.project), owner: String(row.owner) }
    }
  }
  if (project !== null && owner !== null)
    return (_level: number, after: Names | null): Names | null => (after === null ? { project, owner } : null)
  if (project !== null) {
    const first = one('project = ? ORDER BY owner')
    const next = one('project = ? AND owner > ? ORDER BY owner')
    return (level: number, after: Names | null) =>
      after === null ? first(level, project) : next(level, project, after.owner)
  }
  if (owner !== null) {
    const first = one('true ORDER BY project')
    const next = one('project > ? ORDER BY project')
    return (level: number, after: Names | null) => {
      const found = after === null ? first(level) : next(level, after.project)
      return found && { ...found, owner }
    }
  }
  const first = one('true ORDER BY project, owner')
  const next = one('(project, owner) > (?, ?) ORDER BY project, owner')
  return (level: number, after: Names | null) =>
    after === null ? first(level) : next(level, after.project, after.owner)
}

interface Place extends Names {
  /** Starts of periods, from and to (exclusive). */
  fromMs: number
  toMs: number
}

const rowsAtOnce = 200
