import { openReader } from '../../../src/stores/sqlite/reader-thread.ts'
import { storeSuite } from '../../contract/store-suite.ts'
import { aDatabase, deletionsIn, emptyBatch } from '../../support/sqlite-store.ts'

storeSuite(
  'The reader thread',
  async () => {
    const { path, local, remove } = aDatabase()
    const store = openReader(path)
    return {
      store,
      write: async (records) => local.commit({ ...emptyBatch, records }),
      ...deletionsIn(local),
      async close() {
        await store.close()
        remove()
      },
    }
  },
  { cases: 2 },
)
