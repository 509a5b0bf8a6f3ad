import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { addCounts, type Purge, type PurgeCounts } from '../../records/purge.ts'
import { textOrNull } from './record-rows.ts'

/** The embedded database as a part of a purge; the others are `csv` and the sinks by their names. */
export const embeddedPart = 'embedded'
export const csvPart = 'csv'

/** The rows of `purges` and `purge_parts`. Writing methods belong inside a transaction. */
export interface PurgeRows {
  add(purge: Omit<Purge, 'number'>, parts: readonly string[]): Purge
  /** The oldest purge that this part has still to carry out. */
  waiting(part: string): Purge | null
  /** Whether this part has done with the purge, or has nothing to do with it. */
  isDone(number: number, part: string): boolean
  /** The number that was given out last, also where that purge is forgotten; 0: none yet. */
  newest(): number
  /** The newest record that this part may be sent before it has carried out what waits; null: nothing waits. */
  heldAt(part: string): number | null
  /** Adds to what the part has counted. `doneMs`: that was all. */
  count(number: number, part: string, counts: PurgeCounts, doneMs: number | null): void
  /** Those that deleted, whatever of them is done. */
  real(): readonly Purge[]
  /** Forgets purges whose last part was done before this, and dry ones that were asked for before that. */
  forget(beforeMs: number, dryBeforeMs: number): number
}

export function purgeRows(database: DatabaseSync): PurgeRows {
  const add = database.prepare(
    `INSERT INTO purges (asked_ms, dry, project, "user", before_ms, bound_ms, place) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const addPart = database.prepare(`INSERT INTO purge_parts (purge, part, done_ms, counts) VALUES (?, ?, NULL, '{}')`)
  const waiting = database.prepare(
    `SELECT purges.* FROM purges JOIN purge_parts ON purge = number WHERE part = ? AND done_ms IS NULL
     ORDER BY number LIMIT 1`,
  )
  const undone = database.prepare('SELECT 1 FROM purge_parts WHERE purge = ? AND part = ? AND done_ms IS NULL')
  const held = database.prepare(
    `SELECT min(place) AS place FROM purges JOIN purge_parts ON purge = number
     WHERE part = ? AND done_ms IS NULL AND dry = 0`,
  )
  const counts = database.prepare('SELECT counts FROM purge_parts WHERE purge = ? AND part = ?')
  const count = database.prepare(
    'UPDATE purge_parts SET counts = ?, done_ms = coalesce(?, done_ms) WHERE purge = ? AND part = ?',
  )
  const newest = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'purges'")
  const real = database.prepare('SELECT * FROM purges WHERE dry = 0 ORDER BY number')
  const old = `SELECT number FROM purges WHERE iif(dry = 1, asked_ms < ?2, NOT EXISTS
    (SELECT 1 FROM purge_parts WHERE purge = number AND (done_ms IS NULL OR done_ms >= ?1)))`
  const forgetParts = database.prepare(`DELETE FROM purge_parts WHERE purge IN (${old})`)
  const forget = database.prepare(
    'DELETE FROM purges WHERE NOT EXISTS (SELECT 1 FROM purge_parts WHERE purge = number)',
  )

  return {
    add(purge, parts) {
      const { askedMs, dry, project, user, beforeMs, boundMs, place } = purge
      const { lastInsertRowid } = add.run(askedMs, Number(dry), project, user, beforeMs, boundMs, place)
      for (const part of parts) addPart.run(lastInsertRowid, part)
      return { number: Number(lastInsertRowid), ...purge }
    },
    waiting(part) {
      const row = waiting.get(part)
      return row === undefined ? null : purgeFrom(row)
    },
    isDone: (number, part) => undone.get(number, part) === undefined,
    newest: () => Number(newest.get()?.seq ?? 0),
    heldAt(part) {
      const place = held.get(part)?.place
      return typeof place === 'number' ? place : null
    },
    count(number, part, more, doneMs) {
      const row = counts.get(number, part)
      if (row === undefined) throw new RangeError(`purge ${number} is no business of ${part}`)
      count.run(JSON.stringify(addCounts(JSON.parse(String(row.counts)) as PurgeCounts, more)), doneMs, number, part)
    },
    real: () => real.all().map(purgeFrom),
    forget(beforeMs, dryBeforeMs) {
      forgetParts.run(beforeMs, dryBeforeMs)
      return Number(forget.run().changes)
    },
  }
}

export const purgeFrom = (row: Record<string, SQLOutputValue>): Purge => ({
  number: Number(row.number),
  askedMs: Number(row.asked_ms),
  dry: row.dry === 1,
  project: textOrNull(row.project),
  user: textOrNull(row.user),
  beforeMs: row.before_ms === null ? null : Number(row.before_ms),
  boundMs: Number(row.bound_ms),
  place: Number(row.place),
})
