import type { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import type { CallInLine, Outbox, OutboxRecord, RefusedRecord, SinkCounters } from '../../delivery/outbox.ts'
import type { Clock } from '../../lib/clock.ts'
import { inTransaction, openForWriting } from './database.ts'
import { type KeptText, keptText } from './kept-text.ts'
import { documentRows, Unreadable } from './outbox-documents.ts'
import { outboxRollups } from './outbox-rollups.ts'
import { type OutboxSink, sinkRows } from './outbox-sinks.ts'
import { embeddedPart, purgeRows } from './purge-rows.ts'
import { StoreUnmade } from './trouble.ts'

/** The outbox with what is no business of a delivery loop. */
export interface LocalOutbox extends Outbox {
  /** This data directory's own id. */
  readonly instance: string
  /** Calls behind this place that the sink does not have either, oldest first; those that cannot be read are left out. */
  behind(sink: string, place: number, most: number): readonly CallInLine[]
  /** A text that is kept under this name. */
  kept(name: string): KeptText
  close(): void
}

export interface OutboxOptions {
  path: string
  /** Those that are delivered to now. A new one begins with the oldest record there is. */
  sinks: readonly OutboxSink[]
  clock: Pick<Clock, 'wall'>
}

/**
 * The embedded database as the place where records wait for their sinks. The recorder, which writes in another thread, does
 * nothing for it: a record's place is the number of its row, and which totals changed is told by the records behind a place.
 */
export function openOutbox({ path, sinks, clock }: OutboxOptions): LocalOutbox {
  const database = openForWriting(path)
  try {
    database.exec('PRAGMA cache_size = -4000')
    return outboxOver(database, sinks, clock)
  } catch (error) {
    database.close()
    throw error
  }
}

function outboxOver(database: DatabaseSync, sinks: readonly OutboxSink[], clock: Pick<Clock, 'wall'>): LocalOutbox {
  const instance = instanceIn(database)
  const rows = sinkRows(database)
  const documents = documentRows(database)
  for (const sink of sinks) inTransaction(database, 'BEGIN IMMEDIATE', () => rows.register(sink))
  const purges = purgeRows(database)
  const rollups = outboxRollups(database, rows, documents, purges, instance)
  const quarantine = database.prepare(
    'INSERT OR REPLACE INTO quarantine (sink, place, id, code, message, at_ms) VALUES (?, ?, ?, ?, ?, ?)',
  )

  const settle = (sink: string, upTo: number, refused: readonly RefusedRecord[]): void =>
    inTransaction(database, 'BEGIN IMMEDIATE', () => {
      const { place } = rows.state(sink)
      if (upTo <= place) return
      let aside = 0
      for (const one of refused) {
        if (one.place <= place || one.place > upTo)
          throw new RangeError(`${sink} refused place ${one.place}, which is not in ${place + 1}…${upTo}`)
        if (!documents.has(one.place)) continue // purged on its way, and counted then
        quarantine.run(sink, one.place, one.id, one.code, one.message.slice(0, messageLimit), clock.wall())
        aside++
      }
      rows.advance(sink, upTo, documents.count(place, upTo) - aside, aside)
    })

  let early: ReadAhead | null = null

  /** A row that cannot be read is put aside when its turn comes; nothing else would ever pass it. */
  const next = (sink: string, limits: Limits): readonly OutboxRecord[] => {
    const read = early
    early = null
    for (;;) {
      const { place } = rows.state(sink)
      if (
        read?.sink === sink &&
        read.after === place &&
        isDeepStrictEqual(read.limits, limits) &&
        read.newestPurge === purges.newest()
      )
        return read.records
      try {
        return documents.after(place, { ...limits, upTo: purges.heldAt(sink) })
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error
        settle(sink, error.place, [{ place: error.place, id: error.id, code: 'unreadable', message: error.message }])
      }
    }
  }

  return {
    instance,
    next,
    ahead(sink, after, limits) {
      early = null
      const newestPurge = purges.newest()
      if (purges.waiting(sink) !== null) return // would take some of them
      const records = documents.after(after, limits)
      if (records.length > 0) early = { sink, after, limits, newestPurge, records }
    },
    settle,
    changedRollups: rollups.changed,
    settleRollups: rollups.settle,
    nextPurge(sink) {
      const purge = purges.waiting(sink)
      return purge !== null && purges.isDone(purge.number, embeddedPart) ? purge : null
    },
    settlePurge(sink, { number }, counts, done) {
      inTransaction(database, 'BEGIN IMMEDIATE', () => purges.count(number, sink, counts, done ? clock.wall() : null))
    },
    counters(sink): SinkCounters {
      return rows.counters(sink)
    },
    behind(sink, place, most) {
      for (let from = Math.max(place, rows.state(sink).place); ; ) {
        try {
          return documents.callsAfter(from, most)
        } catch (error) {
          if (!(error instanceof Unreadable)) throw error
          from = error.place
        }
      }
    },
    kept: (name) => keptText(database, name),
    forgetDelivered(names, keepMs) {
      if (names.length === 0) return 0
      const upTo = Math.min(...names.map((name) => rows.state(name).place))
      return inTransaction(database, 'BEGIN IMMEDIATE', () => documents.forget(upTo, clock.wall() - keepMs))
    },
    close() {
      database.close()
    },
  }
}

interface ReadAhead {
  sink: string
  after: number
  limits: Limits
  /** A newer one may have taken some of these. */
  newestPurge: number
  records: readonly OutboxRecord[]
}

interface Limits {
  records: number
  bytes: number
}

/** Made by the recorder, which may still be waiting for the file. */
function instanceIn(database: DatabaseSync): string {
  const found = database.prepare("SELECT value FROM meta WHERE name = 'instance'").get()
  if (found === undefined) throw new StoreUnmade('the embedded database has no instance yet')
  return String(found.value)
}

const messageLimit = 2_000
