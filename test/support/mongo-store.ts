import { DatabaseSync } from 'node:sqlite'
import type { Log } from '../../src/lib/log.ts'
import type { RollupRow } from '../../src/records/rollup.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { openMongoSink } from '../../src/stores/mongodb/sink.ts'
import { levels } from '../../src/stores/rollups/levels.ts'
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
  const { signal } = new AbortController()
  return {
    sink,
    async write(records: readonly StoredRecord[]): Promise<void> {
      embedded.local.commit({ ...emptyBatch, records })
      await sink.write(records, signal)
      await sink.writeRollups(rollupsIn(reader), signal)
    },
    async close(): Promise<void> {
      await sink.close()
      reader.close()
      embedded.remove()
    },
  }
}

/** Every row of an embedded database as it is sent. Each change adds a call, so their number serves as version. */
function rollupsIn(reader: DatabaseSync): RollupRow[] {
  const names = new Map<number, string>(Object.entries(levels).map(([name, level]) => [level, name]))
  return reader
    .prepare('SELECT * FROM rollups')
    .all()
    .map((row) => {
      const level = names.get(Number(row.level)) ?? ''
      const key = [level, row.project, row.owner, row.start_ms, row.provider, row.model, row.outcome, row.model_call]
      return {
        id: JSON.stringify([...key, row.instance]),
        version: Number(row.requests),
        instance: String(row.instance),
        level,
        startMs: Number(row.start_ms),
        project: String(row.project),
        owner: String(row.owner),
        provider: String(row.provider),
        model: String(row.model),
        outcome: String(row.outcome),
        modelCall: row.model_call === 1,
        requests: Number(row.requests),
        sums: row.sums as Uint8Array,
      }
    })
}
