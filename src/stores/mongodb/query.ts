import type { Store } from '../store.ts'
import { schemaVersion } from './collections.ts'
import { connectionTo, type MongoAddress } from './connection.ts'
import { deadline, until } from './deadline.ts'
import { newestEvents } from './diary.ts'
import type { Db } from './driver.ts'
import { runBody, runDetail } from './run-detail.ts'
import { runs } from './runs.ts'
import { isRefused } from './server.ts'
import { type Patience, usage } from './usage.ts'

export interface MongoStoreOptions extends MongoAddress {
  /** The longest a question may take. */
  questionMs?: number
  /** The longest the server may work on one part of it. */
  stepMs?: number
}

/** MongoDB as those who ask see it. Nothing happens before the first question; one that cannot be asked in time rejects. */
export function openMongoStore(options: MongoStoreOptions): Store {
  const { questionMs = 10_000, stepMs = 5000 } = options
  const connection = connectionTo(options)
  const ask = <T>(question: (db: Db, patience: Patience) => Promise<T>): Promise<T> => {
    const signal = deadline(questionMs)
    return until(signal, async () => question((await connection.open()).db, { signal, maxTimeMS: stepMs }))
  }
  return {
    name: 'mongodb',
    usage: (project, query) => ask((db, patience) => usage(db, project, query, patience)),
    runs: (project, query) =>
      ask((db, patience) => runs(db, project, query, { ...patience, maxTimeMS: Math.min(2000, stepMs) })),
    run: (project, id) => ask((db, patience) => runDetail(db, project, id, patience)),
    body: (project, id, side) => ask((db, patience) => runBody(db, project, id, side, patience)),
    status: () =>
      ask(async (db) => ({
        name: 'mongodb',
        schemaVersion,
        counts: Object.fromEntries(
          await Promise.all(
            counted.map(async (name) => [name, await db.collection(name).estimatedDocumentCount()] as const),
          ),
        ),
        sizeBytes: await sizeOf(db),
      })),
    connectionEvents: (limit) => ask((db, patience) => newestEvents(db, limit, patience)),
    close: () => connection.close(),
  }
}

const counted = ['telemetry', 'llm_runs', 'connection_logs', 'metrics', 'rollups'] as const

/** A server, or rights, without statistics: the size is not known. */
async function sizeOf(db: Db): Promise<number | null> {
  try {
    const { totalSize, storageSize } = await db.command({ dbStats: 1 })
    return Number(totalSize ?? storageSize)
  } catch (error) {
    if (isRefused(error)) return null
    throw error
  }
}
