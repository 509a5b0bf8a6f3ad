import type { DatabaseSync } from 'node:sqlite'
import type { Line } from '../../delivery/outbox.ts'
import type { ConnectionEvent } from '../../records/connection-log.ts'
import { type DiaryEntry, diaryCollections } from '../../records/diary-entry.ts'
import { openForWriting } from './database.ts'
import { type DiaryLineOptions, diaryLine } from './diary-line.ts'
import { callSums } from './totals.ts'

/** What is kept beside the records: few rows, each with a place in its line, in which sinks take them. */
export interface Diary {
  /** A document whose id is there already stays as it is. */
  addEvent(event: ConnectionEvent): void
  /** The sums of all calls at this full hour; one document for each hour. */
  addHour(hourMs: number, instance: string): void
  line(options: DiaryLineOptions): Line<DiaryEntry>
  close(): void
}

/** A connection of its own to the embedded database, which the recorder has made. */
export function openDiary(path: string): Diary {
  const database = openForWriting(path)
  const addEvent = database.prepare(
    `INSERT INTO connection_logs (id, timestamp_ms, event_type, status, message, metadata) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING`,
  )
  const addMetrics = database.prepare(
    `INSERT INTO metrics (id, timestamp_ms, metric_type, metrics) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  )
  return {
    addEvent({ _id, timestamp_ms, event_type, status, message, metadata }) {
      addEvent.run(_id, timestamp_ms, event_type, status, message, JSON.stringify(metadata))
    },
    addHour(hourMs, instance) {
      const id = `${instance}|${new Date(hourMs).toISOString()}`
      addMetrics.run(id, hourMs, 'hourly', JSON.stringify(callSums(database, hourMs)))
    },
    line: (options) => diaryLine(database, options),
    close: () => database.close(),
  }
}

export const newestEvents = (database: DatabaseSync, limit: number): ConnectionEvent[] =>
  database
    .prepare(
      `SELECT id, timestamp_ms, event_type, status, message, metadata FROM connection_logs
       ORDER BY place DESC LIMIT ?`,
    )
    .all(limit)
    .map(
      (row): ConnectionEvent => ({
        _id: String(row.id),
        timestamp_ms: Number(row.timestamp_ms),
        event_type: String(row.event_type) as ConnectionEvent['event_type'],
        status: row.status === 'success' ? 'success' : 'error',
        message: String(row.message),
        metadata: JSON.parse(String(row.metadata)) as ConnectionEvent['metadata'],
      }),
    )

export const diaryCounts = (database: DatabaseSync): Record<string, number> =>
  Object.fromEntries(
    diaryCollections.map((name) => [
      name,
      Number(database.prepare(`SELECT count(*) AS entries FROM ${name}`).get()?.entries),
    ]),
  )
