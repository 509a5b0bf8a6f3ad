import { statSync } from 'node:fs'
import type { Store } from '../store.ts'
import { inTransaction, openForReading } from './database.ts'
import { runBody, runDetail } from './run-detail.ts'
import { runs } from './runs.ts'
import { schemaVersion } from './schema.ts'
import { usage } from './usage.ts'

/** The embedded database as those who ask see it: read-only, each answer from one snapshot. Its work blocks the thread. */
export function openStore(path: string): Store {
  const database = openForReading(path)
  const ask = async <T>(question: () => T): Promise<T> => inTransaction(database, 'BEGIN', question)
  return {
    name: 'sqlite',
    usage: (project, query) => ask(() => usage(database, project, query)),
    runs: (project, query) => ask(() => runs(database, project, query)),
    run: (project, id) => ask(() => runDetail(database, project, id)),
    body: (project, id, side) => ask(() => runBody(database, project, id, side)),
    status: () =>
      ask(() => {
        const records = Number(database.prepare("SELECT value FROM counters WHERE name = 'records'").get()?.value ?? 0)
        return {
          name: 'sqlite',
          schemaVersion,
          counts: { telemetry: records, llm_runs: records },
          sizeBytes: sizeOf(path) + sizeOf(`${path}-wal`),
        }
      }),
    async close() {
      database.close()
    },
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
