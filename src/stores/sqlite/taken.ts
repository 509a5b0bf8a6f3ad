import type { DatabaseSync } from 'node:sqlite'
import type { DiaryCollection } from '../../records/diary-entry.ts'

/** What may go without a sink missing it. */
export interface Taken {
  /** Up to which record the sinks have what was said; and, besides, the totals. Asked once for each transaction. */
  places(): { documents: number; records: number }
  /** Up to which entry of the diary. */
  diaryPlace(collection: DiaryCollection): number
  /** Refused by a sink, and so kept here alone. */
  isQuarantined(seq: number): boolean
}

/** `sinks` are those that are delivered to; one that has not begun has taken nothing. */
export function taken(database: DatabaseSync, sinks: readonly string[]): Taken {
  const state = database.prepare('SELECT place, rollup_place FROM sinks WHERE name = ?')
  const diary = database.prepare('SELECT place FROM diary_sinks WHERE sink = ? AND collection = ?')
  const refused = database.prepare(
    'SELECT 1 FROM sinks JOIN quarantine ON sink = name AND quarantine.place = ? LIMIT 1',
  )
  return {
    places() {
      const states = sinks.map((name) => state.get(name))
      const documents = Math.min(Number.POSITIVE_INFINITY, ...states.map((row) => Number(row?.place ?? 0)))
      const totals = states.map((row) => Number(row?.rollup_place ?? 0))
      return { documents, records: Math.min(documents, ...totals) }
    },
    diaryPlace: (collection) =>
      sinks.reduce(
        (least, name) => Math.min(least, Number(diary.get(name, collection)?.place ?? 0)),
        Number.MAX_SAFE_INTEGER,
      ),
    isQuarantined: (seq) => refused.get(seq) !== undefined,
  }
}
