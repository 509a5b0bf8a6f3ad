import { vi } from 'vitest'
import { openMongoStore } from '../../../src/stores/mongodb/index.ts'
import { storeSuite } from '../../contract/store-suite.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { aDelivery } from '../../support/mongo-store.ts'

vi.setConfig({ testTimeout: 60_000 }) // FerretDB is slow on a busy machine

await suiteWithMongo('MongoDB', (server) => {
  storeSuite(
    'MongoDB',
    async () => {
      const database = server.database()
      const delivery = aDelivery(server, database)
      const store = openMongoStore({ uri: server.uri, database })
      return {
        store,
        write: delivery.write,
        purge: delivery.purge,
        expire: delivery.expire,
        async close() {
          await store.close()
          await delivery.close()
        },
      }
    },
    { cases: 10 },
  )
})
