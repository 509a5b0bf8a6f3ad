import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Line, OutboxRecord, RefusedRecord } from '../../delivery/outbox.ts'
import type { DiaryCollection, DiaryEntry } from '../../records/diary-entry.ts'
import { type JsonObject, objectOf } from '../../records/json.ts'
import { inTransaction } from './database.ts'

export interface DiaryLineOptions {
  collection: DiaryCollection
  sink: string
  /** Where it delivers to. Another place than before begins again with the oldest entry that is still here. */
  target: string
  /** This data directory's own id. */
  instance: string
  clock: { wall(): number }
}

/** A collection of the diary as a line of its own for one sink: nothing that happens to it delays records, or the other. */
export function diaryLine(database: DatabaseSync, options: DiaryLineOptions): Line<DiaryEntry> {
  const { collection, sink, target, instance, clock } = options
  const { columns, fieldsOf } = tables[collection]
  const found = database.prepare('SELECT target, place, stored FROM diary_sinks WHERE sink = ? AND collection = ?')
  const after = database.prepare(
    `SELECT place, id, timestamp_ms, ${columns} FROM ${collection} WHERE place > ? ORDER BY place LIMIT ?`,
  )
  const count = database.prepare(`SELECT count(*) AS entries FROM ${collection} WHERE place > ? AND place <= ?`)
  const last = database.prepare(`SELECT coalesce(max(place), 0) AS place FROM ${collection}`)
  const advance = database.prepare(
    'UPDATE diary_sinks SET place = ?, stored = stored + ? WHERE sink = ? AND collection = ?',
  )
  const quarantine = database.prepare(
    'INSERT OR REPLACE INTO diary_quarantine (sink, collection, place, id, code, message, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const quarantined = database.prepare(
    'SELECT count(*) AS entries FROM diary_quarantine WHERE sink = ? AND collection = ?',
  )
  const state = (): { place: number; stored: number } => {
    const row = found.get(sink, collection)
    return { place: Number(row?.place), stored: Number(row?.stored) }
  }
  const entriesIn = (row: Record<string, SQLOutputValue> | undefined): number => Number(row?.entries)

  inTransaction(database, 'BEGIN IMMEDIATE', () => {
    if (found.get(sink, collection)?.target === target) return
    database
      .prepare('INSERT OR REPLACE INTO diary_sinks (sink, collection, target, place, stored) VALUES (?, ?, ?, 0, 0)')
      .run(sink, collection, target)
    database.prepare('DELETE FROM diary_quarantine WHERE sink = ? AND collection = ?').run(sink, collection)
  })

  const settle = (upTo: number, refused: readonly RefusedRecord[]): void =>
    inTransaction(database, 'BEGIN IMMEDIATE', () => {
      const { place } = state()
      if (upTo <= place) return
      for (const { place, id, code, message } of refused)
        quarantine.run(sink, collection, place, id, code, message, clock.wall())
      advance.run(upTo, entriesIn(count.get(place, upTo)) - refused.length, sink, collection)
    })

  const entryOf = (row: Record<string, SQLOutputValue>): OutboxRecord<DiaryEntry> => {
    const id = String(row.id)
    const fields = fieldsOf(row, instance)
    return {
      place: Number(row.place),
      id,
      record: { _id: id, timestamp_ms: Number(row.timestamp_ms), fields },
      bytes: JSON.stringify(fields).length,
    }
  }

  return {
    next(_, limits) {
      const entries: OutboxRecord<DiaryEntry>[] = []
      for (const row of after.all(state().place, limits.records)) {
        try {
          entries.push(entryOf(row))
        } catch (error) {
          if (entries.length > 0) return entries
          const place = Number(row.place)
          settle(place, [{ place, id: String(row.id), code: 'unreadable', message: String(error) }])
        }
      }
      return entries
    },
    settle: (_, upTo, refused) => settle(upTo, refused),
    counters: () =>
      inTransaction(database, 'BEGIN', () => {
        const { place, stored } = state()
        const pending = entriesIn(count.get(place, Number(last.get()?.place)))
        const put = entriesIn(quarantined.get(sink, collection))
        return { accepted: stored + pending + put, stored, pending, quarantined: put, dropped: 0 }
      }),
  }
}

interface DiaryTable {
  columns: string
  fieldsOf(row: Record<string, SQLOutputValue>, instance: string): JsonObject
}

const tables: Readonly<Record<DiaryCollection, DiaryTable>> = {
  connection_logs: {
    columns: 'event_type, status, message, metadata',
    fieldsOf: ({ event_type, status, message, metadata }, instance) => ({
      event_type,
      status,
      message,
      // several instances tell of the same database
      metadata: { ...objectOf(JSON.parse(String(metadata))), instance },
    }),
  },
  metrics: {
    columns: 'metric_type, metrics',
    fieldsOf: ({ metric_type, metrics }) => ({ metric_type, metrics: objectOf(JSON.parse(String(metrics))) }),
  },
}
