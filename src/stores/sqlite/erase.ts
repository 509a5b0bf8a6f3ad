import type { DatabaseSync } from 'node:sqlite'
import { counter } from './counter.ts'

/** What was deleted of one record. */
export interface Erased {
  record: boolean
  /** There was what was said, with or without bodies. */
  document: boolean
  bodies: boolean
  /** A sink had refused it. */
  quarantined: boolean
  /** A sink was still to be sent it. */
  pending: boolean
}

/**
 * Deletes records one by one and keeps the books of the sinks: what one of them had not taken yet, or had refused, counts as
 * dropped, and where it had not taken the totals that the record changed, it will be sent all totals again. Both methods belong
 * inside one transaction; `settle` ends what was begun in it.
 */
export interface Eraser {
  erase(seq: number): Erased
  settle(): void
}

interface Book {
  name: string
  place: number
  rollupPlace: number
  pending: number
  quarantined: number
  newest: number
}

export function eraser(database: DatabaseSync): Eraser {
  const sinks = database.prepare('SELECT name, place, rollup_place FROM sinks')
  const call = database.prepare('DELETE FROM telemetry WHERE seq = ?')
  const document = database.prepare(
    `DELETE FROM documents WHERE seq = ?
     RETURNING ${byteColumns.map((name) => `typeof(${name}) = 'blob'`).join(' OR ')} AS bodies`,
  )
  const refused = database.prepare('DELETE FROM quarantine WHERE sink = ? AND place = ?')
  const settle = database.prepare(
    `UPDATE sinks SET dropped = dropped + ?, quarantined = quarantined - ?, rollup_place = max(rollup_place, ?),
       swept = CASE WHEN rollup_place < ? THEN 0 ELSE swept END WHERE name = ?`,
  )
  const count = counter(database)
  let books: Book[] | null = null
  let records = 0

  const opened = (): Book[] =>
    sinks.all().map((row) => ({
      name: String(row.name),
      place: Number(row.place),
      rollupPlace: Number(row.rollup_place),
      pending: 0,
      quarantined: 0,
      newest: 0,
    }))

  return {
    erase(seq) {
      books ??= opened()
      const record = call.run(seq).changes > 0
      if (record) records++
      const found = document.get(seq)
      const erased = { record, document: found !== undefined, bodies: found?.bodies === 1 }
      let [quarantined, pending] = [false, false]
      for (const book of books) {
        if (record && seq > book.rollupPlace) book.newest = Math.max(book.newest, seq)
        if (found === undefined) continue
        if (seq > book.place) {
          book.pending++
          pending = true
        } else if (refused.run(book.name, seq).changes > 0) {
          book.quarantined++
          quarantined = true
        }
      }
      return { ...erased, quarantined, pending }
    },
    settle() {
      for (const { name, pending, quarantined, newest } of books ?? [])
        if (pending + quarantined + newest > 0) settle.run(pending + quarantined, quarantined, newest, newest, name)
      if (records > 0) count('erased', records)
      books = null
      records = 0
    },
  }
}

export const byteColumns = ['request_bytes', 'response_bytes', 'chunk_times'] as const
