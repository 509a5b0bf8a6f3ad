import { statSync } from 'node:fs'
import type { CallTotals, OwnStore } from '../own-store.ts'
import { counted, limitCounts, retentionCounts } from './counter.ts'
import { inTransaction, openForReading } from './database.ts'
import { diaryCounts, newestEvents } from './diary.ts'
import { purgeReport, purgeReports } from './purge-reports.ts'
import { runBody, runDetail } from './run-detail.ts'
import { runs } from './runs.ts'
import { schemaVersion } from './schema.ts'
import { callSums, totalsReader } from './totals.ts'
import { usageReader } from './usage.ts'

/** What is known of this instance, for whoever shows it. */
export interface OpenStore extends Omit<OwnStore, 'scrape'> {
  totals(): Promise<readonly CallTotals[]>
}

/** The embedded database as those who ask see it: read-only, each answer from one snapshot. Its work blocks the thread. */
export function openStore(path: string): OpenStore {
  const database = openForReading(path)
  const totals = totalsReader(database)
  const usage = usageReader(database)
  const ask = async <T>(question: () => T): Promise<T> => inTransaction(database, 'BEGIN', question)
  return {
    name: 'sqlite',
    usage: (project, query) => ask(() => usage(project, query)),
    runs: (project, query) => ask(() => runs(database, project, query)),
    run: (project, id) => ask(() => runDetail(database, project, id)),
    body: (project, id, side) => ask(() => runBody(database, project, id, side)),
    totals: () => ask(totals),
    sums: (nowMs) => ask(() => callSums(database, nowMs)),
    purge: (number) => ask(() => purgeReport(database, number)),
    purges: (limit, before) => ask(() => purgeReports(database, limit, before)),
    deleted: () =>
      ask(() => ({
        byAge: byName(retentionCounts, (what) => counted(database, `retention_${what}`)),
        bySize: byName(limitCounts, (what) => counted(database, `limit_${what}`)),
      })),
    connectionEvents: (limit) => ask(() => newestEvents(database, limit)),
    status: () =>
      ask(() => {
        const records = counted(database, 'records') - counted(database, 'erased')
        return {
          name: 'sqlite',
          schemaVersion,
          counts: { telemetry: records, llm_runs: records, ...diaryCounts(database) },
          sizeBytes: sizeOf(path) + sizeOf(`${path}-wal`),
        }
      }),
    async close() {
      database.close()
    },
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const byName = <Name extends string>(names: readonly Name[], count: (name: Name) => number) =>
  Object.fromEntries(names.map((name) => [name, count(name)])) as Record<Name, number>
