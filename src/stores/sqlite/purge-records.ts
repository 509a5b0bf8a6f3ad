import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Purge } from '../../records/purge.ts'
import { byteColumns, type Erased, type Eraser } from './erase.ts'

/** Goes through the records that a purge is about, oldest first, a little at a time. */
export interface PurgeWalk {
  /** Goes on until that moment of `performance.now()`; at least one step. */
  step(untilMs: number): Readonly<Record<keyof Erased, number>>
  isDone(): boolean
}

export function purgeWalk(database: DatabaseSync, purge: Purge, eraser: Eraser): PurgeWalk {
  const { project, user, boundMs, place } = purge
  // one index each; what else is named is looked at row by row, so that no step is long
  const named = user !== null ? '"user" = ?1' : project !== null ? 'project = ?1' : '?1 IS NULL'
  const page = database.prepare(
    `SELECT seq, timestamp_ms, seq <= ?2 AND (?3 IS NULL OR project = ?3) AS purged FROM telemetry
     WHERE ${named} AND timestamp_ms < ?4 AND (timestamp_ms, seq) > (?5, ?6) ORDER BY timestamp_ms, seq LIMIT ${pageRows}`,
  )
  const look = looker(database)
  let rows: Record<string, SQLOutputValue>[] = []
  let last: readonly [timestampMs: number, seq: number] = [-1, -1]
  let done = false

  return {
    isDone: () => done,
    step(untilMs) {
      const found = { record: 0, document: 0, bodies: 0, quarantined: 0, pending: 0 }
      do {
        if (rows.length === 0) rows = page.all(user ?? project, place, project, boundMs, ...last)
        const row = rows.shift()
        if (row === undefined) {
          done = true
          break
        }
        last = [Number(row.timestamp_ms), Number(row.seq)]
        if (row.purged !== 1) continue
        const one = purge.dry ? look(last[1]) : eraser.erase(last[1])
        for (const name of Object.keys(found) as (keyof Erased)[]) if (one[name]) found[name]++
      } while (performance.now() < untilMs)
      eraser.settle()
      return found
    },
  }
}

/** What would be deleted. */
function looker(database: DatabaseSync): (seq: number) => Erased {
  const find = database.prepare(
    `SELECT ${byteColumns.map((name) => `typeof(${name}) = 'blob'`).join(' OR ')} AS bodies,
       EXISTS (SELECT 1 FROM sinks WHERE place < documents.seq) AS pending,
       EXISTS (SELECT 1 FROM sinks JOIN quarantine ON sink = name AND quarantine.place = documents.seq) AS quarantined
     FROM documents WHERE seq = ?`,
  )
  return (seq) => {
    const row = find.get(seq)
    return {
      record: true,
      document: row !== undefined,
      bodies: row?.bodies === 1,
      pending: row?.pending === 1,
      quarantined: row?.quarantined === 1,
    }
  }
}

const pageRows = 200
