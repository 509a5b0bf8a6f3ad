import { DatabaseSync } from 'node:sqlite'
import { sqliteSink } from '../../../src/stores/sqlite/sink.ts'
import { sinkSuite } from '../../contract/sink-suite.ts'
import { aRecord } from '../../support/records.ts'
import { aDatabase } from '../../support/sqlite-store.ts'

sinkSuite('SQLite', async () => {
  const { path, local, remove } = aDatabase()
  const reader = new DatabaseSync(path, { readOnly: true })
  return {
    sink: sqliteSink(local),
    ids: async () =>
      reader
        .prepare('SELECT id FROM telemetry')
        .all()
        .map(({ id }) => String(id)),
    async purge({ project, user, beforeMs, dry, boundMs }) {
      const counts = reader.prepare("SELECT counts FROM purge_parts WHERE purge = ? AND part = 'embedded'")
      const { number } = local.purges.ask({ project, user, beforeMs, dry }, boundMs)
      while (local.purges.step(boundMs) !== 'idle');
      return Number(JSON.parse(String(counts.get(number)?.counts)).records)
    },
    refused: aRecord({ metadata: { cost_picodollars: 'a lot' } }),
    async close() {
      reader.close()
      remove()
    },
  }
})
