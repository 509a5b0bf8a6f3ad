import type { DatabaseSync } from 'node:sqlite'
import type { SinkCounters } from '../../delivery/outbox.ts'

/** A sink as the outbox knows it. */
export interface OutboxSink {
  name: string
  /** Where it delivers to. Another place than before begins again with the oldest record that is still here. */
  target: string
}

export interface SinkState {
  /** Everything up to here is delivered, quarantined or dropped. */
  place: number
  /** Totals of everything up to here were taken. */
  rollupPlace: number
  /** All totals were taken once, also those of records that are gone. */
  swept: boolean
}

/** The rows of `sinks`: places and counts. Writing methods belong inside a transaction. */
export interface SinkRows {
  register(sink: OutboxSink): void
  state(sink: string): SinkState
  advance(sink: string, place: number, stored: number, quarantined: number): void
  advanceRollups(sink: string, place: number): void
  swept(sink: string): void
  counters(sink: string): SinkCounters
}

export function sinkRows(database: DatabaseSync): SinkRows {
  const find = database.prepare('SELECT target, place, rollup_place, swept FROM sinks WHERE name = ?')
  const begin = database.prepare(`
    INSERT OR REPLACE INTO sinks (name, target, place, missed, stored, quarantined, dropped, rollup_place, swept)
    SELECT ?, ?, 0, ${records} - (SELECT count(*) FROM documents), 0, 0, 0, (SELECT coalesce(max(seq), 0) FROM telemetry),
      NOT EXISTS (SELECT 1 FROM rollups)`)
  const release = database.prepare('DELETE FROM quarantine WHERE sink = ?')
  const advance = database.prepare(
    'UPDATE sinks SET place = ?2, stored = stored + ?3, quarantined = quarantined + ?4 WHERE name = ?1',
  )
  const advanceRollups = database.prepare('UPDATE sinks SET rollup_place = max(rollup_place, ?2) WHERE name = ?1')
  const swept = database.prepare('UPDATE sinks SET swept = 1 WHERE name = ?')
  const counts = database.prepare(
    `SELECT ${records} - missed AS accepted, stored, quarantined, dropped FROM sinks WHERE name = ?`,
  )

  return {
    register({ name, target }) {
      if (find.get(name)?.target === target) return
      begin.run(name, target)
      release.run(name)
    },
    state(sink) {
      const row = find.get(sink)
      if (row === undefined) throw new RangeError(`no sink ${sink} was named when the outbox was opened`)
      return { place: Number(row.place), rollupPlace: Number(row.rollup_place), swept: row.swept === 1 }
    },
    advance(sink, place, stored, quarantined) {
      advance.run(sink, place, stored, quarantined)
    },
    advanceRollups(sink, place) {
      advanceRollups.run(sink, place)
    },
    swept(sink) {
      swept.run(sink)
    },
    counters(sink) {
      const row = counts.get(sink)
      if (row === undefined) throw new RangeError(`no sink ${sink} was named when the outbox was opened`)
      const [accepted, stored] = [Number(row.accepted), Number(row.stored)]
      const [quarantined, dropped] = [Number(row.quarantined), Number(row.dropped)]
      return { accepted, stored, pending: accepted - stored - quarantined - dropped, quarantined, dropped }
    },
  }
}

/** Every record that was ever written here. */
const records = "coalesce((SELECT value FROM counters WHERE name = 'records'), 0)"
