import { MongoClient } from 'mongodb'
import type { Outcome } from '../../src/records/outcome.ts'
import type { FakeMongo } from '../support/fake-mongo.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { type Counters, delivered, healthOf } from './health.ts'
import { mixedClients } from './kill-clients.ts'
import { killUpstream } from './kill-upstream.ts'
import { type Findings, type Kept, Ledger } from './ledger.ts'

/** Clients, an upstream and a proxy that delivers to a MongoDB, with a ledger of what the first two saw. */
export interface MongoRig extends AsyncDisposable {
  proxy: TestProxy
  ledger: Ledger
  /** So many clients at once, until `until` is done; resolves when all have ended. */
  load(clients: number, until: () => Promise<unknown>): Promise<void>
  health(): Promise<{ state: string; message: string | null; answeredBy: string; sink: Counters | null }>
  /** Everything accepted is delivered. */
  delivered(ms?: number): Promise<Counters>
}

export async function mongoRig(mongoUri: string, mongoDatabase: string, dataDir?: string): Promise<MongoRig> {
  const ledger = new Ledger()
  const upstream = await killUpstream((call) => {
    if (call.startsWith('call-')) ledger.arrived(call) // others are not of `load`
  })
  const proxy = await startProxy({
    mongoUri,
    mongoDatabase,
    upstreams: { openai: upstream.port },
    ...(dataDir !== undefined && { dataDir }),
  })
  let calls = 0
  const health = async () => {
    const { services, sinks, answered_by } = await healthOf(proxy.url)
    return { ...services.mongodb!, answeredBy: answered_by, sink: sinks.mongodb ?? null }
  }
  return {
    proxy,
    ledger,
    health,
    async load(count, until) {
      const clients = mixedClients(proxy.port, count, ledger, 7, () => `call-${++calls}`)
      await until()
      clients.excuse()
      await clients.ended
    },
    async delivered(ms = 30_000) {
      await proxy.settled()
      const { sinks } = await delivered(proxy.url, ms)
      return sinks.mongodb!
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

export interface InMongo {
  kept: Kept[]
  runs: number
  /** Calls in the totals: one that was counted twice would show here. */
  counted: number
}

/** What a database holds, read past the product. */
export async function inMongo(uri: string, database: string): Promise<InMongo> {
  await using client = new MongoClient(uri)
  const db = client.db(database)
  const calls = await db.collection('telemetry').find().toArray()
  const totals = await db.collection('rollups').find({ level: 'model_day' }).toArray()
  return {
    kept: calls.map(({ _id, metadata }) => ({
      id: String(_id),
      call: metadata.session_id === null ? null : String(metadata.session_id),
      outcome: String(metadata.outcome) as Outcome,
      responseSha256: metadata.response_sha256 === null ? null : String(metadata.response_sha256),
    })),
    runs: await db.collection('llm_runs').countDocuments(),
    counted: totals.reduce((sum, { requests }) => sum + Number(requests), 0),
  }
}

/** What the records of a pretended server say. */
export const keptInFake = (mongo: FakeMongo): Kept[] =>
  [...(mongo.collections.get('telemetry')?.values() ?? [])].map(({ _id, metadata }) => ({
    id: String(_id),
    call: metadata.session_id,
    outcome: metadata.outcome,
    responseSha256: metadata.response_sha256,
  }))

/** What would have to be empty. */
export const losses = ({ requestsLost, recordsLost, doubled, untrue }: Findings) => ({
  requestsLost,
  recordsLost,
  doubled,
  untrue,
})
export const none = { requestsLost: [], recordsLost: [], doubled: [], untrue: [] }
