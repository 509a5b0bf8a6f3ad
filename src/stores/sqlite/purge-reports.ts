import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { PurgeCounts } from '../../records/purge.ts'
import type { PurgeReport } from '../own-store.ts'
import { purgeFrom } from './purge-rows.ts'

/** How far a purge is carried out; null: there is none of that number. */
export function purgeReport(database: DatabaseSync, number: number): PurgeReport | null {
  const row = database.prepare('SELECT * FROM purges WHERE number = ?').get(number)
  return row === undefined ? null : reportOf(database, row)
}

/** The newest of those with smaller numbers. */
export const purgeReports = (database: DatabaseSync, limit: number, before: number | null): readonly PurgeReport[] =>
  database
    .prepare('SELECT * FROM purges WHERE dry = 0 AND number < ? ORDER BY number DESC LIMIT ?')
    .all(before ?? Number.MAX_SAFE_INTEGER, limit)
    .map((row) => reportOf(database, row))

const reportOf = (database: DatabaseSync, row: Record<string, SQLOutputValue>): PurgeReport => ({
  ...purgeFrom(row),
  parts: database
    .prepare('SELECT part, done_ms, counts FROM purge_parts WHERE purge = ? ORDER BY part <> ?, part')
    .all(Number(row.number), 'embedded')
    .map(({ part, done_ms, counts }) => ({
      name: String(part),
      doneMs: done_ms === null ? null : Number(done_ms),
      counts: JSON.parse(String(counts)) as PurgeCounts,
    })),
})
