import { openStore } from '../../../src/stores/sqlite/query.ts'
import { storeSuite } from '../../contract/store-suite.ts'
import { aDatabase, deletionsIn, emptyBatch } from '../../support/sqlite-store.ts'

storeSuite('SQLite', async () => {
  const { path, local, remove } = aDatabase()
  const store = openStore(path)
  return {
    store,
    write: async (records) => local.commit({ ...emptyBatch, records }),
    ...deletionsIn(local),
    async close() {
      await store.close()
      remove()
    },
  }
})
