import { DatabaseSync } from 'node:sqlite'
import { MongoClient } from 'mongodb'
import type { Log } from '../../src/lib/log.ts'
import type { PurgeWish } from '../../src/records/purge.ts'
import type { RollupRow } from '../../src/records/rollup.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { collectionNames } from '../../src/stores/mongodb/collections.ts'
import { deleteExpired, forgetBodies } from '../../src/stores/mongodb/expire.ts'
import { openMongoSink } from '../../src/stores/mongodb/sink.ts'
import { levels } from '../../src/stores/rollups/levels.ts'
import type { DaysKept } from '../contract/deletion-suite.ts'
import type { MongoServer } from './mongo-server.ts'
import { aDatabase, emptyBatch } from './sqlite-store.ts'

/** A log whose lines a test may look at. */
export function listeningLog(): Log & { lines: { level: string; message: string; fields: object }[] } {
  const lines: { level: string; message: string; fields: object }[] = []
  const at =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void lines.push({ level, message, fields })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/**
 * Records on their way into a MongoDB as the product sends them: written to an embedded database first, whose rollup rows are
 * the totals that go with them.
 */
export function aDelivery(server: MongoServer, database: string) {
  const embedded = aDatabase()
  const reader = new DatabaseSync(embedded.path, { readOnly: true })
  const sink = openMongoSink({ uri: server.uri, database, instance: embedded.local.instance, log: listeningLog() })
  const client = new MongoClient(server.uri)
  const { signal } = new AbortController()
  return {
    sink,
    async write(records: readonly StoredRecord[]): Promise<void> {
      embedded.local.commit({ ...emptyBatch, records })
      await sink.write(records, signal)
      await sink.writeRollups(rollupsIn(reader), signal)
    },
    async purge(wish: Omit<PurgeWish, 'dry'>, nowMs: number): Promise<void> {
      const purge = embedded.local.purges.ask({ ...wish, dry: false }, nowMs)
      while (embedded.local.purges.step(nowMs) !== 'idle');
      while (!(await sink.purge(purge, signal)).done);
      await sink.writeRollups(rollupsIn(reader), signal)
    },
    /** As the server, or the hourly work, does it. */
    async expire({ bodies, ...days }: DaysKept, nowMs: number): Promise<void> {
      const db = client.db(database)
      await deleteExpired(db, collectionNames, days, nowMs, signal)
      if (bodies > 0) await forgetBodies(db, 0, nowMs - bodies * 86_400_000, signal)
    },
    async close(): Promise<void> {
      await client.close()
      await sink.close()
      reader.close()
      embedded.remove()
    },
  }
}

/** Every row of an embedded database as it is sent. */
export function rollupsIn(reader: DatabaseSync): RollupRow[] {
  const version = Number(reader.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'telemetry'").get()?.seq ?? 0)
  const names = new Map<number, string>(Object.entries(levels).map(([name, level]) => [level, name]))
  return reader
    .prepare('SELECT * FROM rollups')
    .all()
    .map((row) => {
      const key = {
        instance: String(row.instance),
        level: names.get(Number(row.level)) ?? '',
        startMs: Number(row.start_ms),
        project: String(row.project),
        owner: String(row.owner),
        provider: String(row.provider),
        model: String(row.model),
        outcome: String(row.outcome),
        modelCall: row.model_call === 1,
      }
      const id = Object.values(key).map((name) => encodeURIComponent(typeof name === 'boolean' ? Number(name) : name))
      return {
        id: id.join('|'),
        version,
        ...key,
        requests: Number(row.requests),
        sums: row.sums as Uint8Array,
      }
    })
}
