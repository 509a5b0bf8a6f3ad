import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from './stores/sqlite/query.ts'
import { answerQuestions } from './stores/sqlite/reader-thread.ts'

/** Entry of the query thread: lookups in SQLite, away from the data plane. Started by `openReader`. */
if (parentPort === null) throw new Error('src/reader.ts is the entry of a worker thread')
answerQuestions(parentPort, () => {
  const store = openStore(String(workerData))
  const scrape = async (): Promise<string> => {
    const { callMetrics } = await import('./api/metrics/call-metrics.ts')
    return callMetrics(await store.totals())
  }
  return { ...store, scrape }
})
