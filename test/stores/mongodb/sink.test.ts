import { MongoClient } from 'mongodb'
import { sinkSuite } from '../../contract/sink-suite.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { aDelivery } from '../../support/mongo-store.ts'
import { aRecord } from '../../support/records.ts'

await suiteWithMongo('MongoDB', (server) => {
  sinkSuite('MongoDB', async () => {
    const database = server.database()
    const { sink, close } = aDelivery(server, database)
    const client = new MongoClient(server.uri)
    return {
      sink,
      async ids() {
        const [calls, runs] = await Promise.all(
          ['telemetry', 'llm_runs'].map((name) => client.db(database).collection(name).distinct('_id')),
        )
        if (JSON.stringify(calls) !== JSON.stringify(runs)) throw new Error('calls and runs are not the same')
        return (calls ?? []).map(String)
      },
      async purge(purge) {
        let calls = 0
        for (;;) {
          const { counts, done } = await sink.purge(purge, AbortSignal.timeout(20_000))
          if (counts.telemetry !== counts.llm_runs) throw new Error('calls and runs are not the same')
          calls += counts.telemetry ?? 0
          if (done) return calls
        }
      },
      refused: aRecord({ metadata: { cost_picodollars: 'a lot' } }),
      async close() {
        await client.close()
        await close()
      },
    }
  })
})
