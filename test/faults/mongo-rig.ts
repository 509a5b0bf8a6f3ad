import { startProxy, type TestProxy } from '../support/proxy.ts'
import { eventually } from '../support/within.ts'
import { type Counters, delivered, healthOf } from './health.ts'
import type { Ledger } from './ledger.ts'
import { traffic } from './traffic.ts'

export interface MongoHealth {
  state: string
  message: string | null
  answeredBy: string
  sink: Counters | null
}

/** Clients, an upstream and a proxy that delivers to a MongoDB, with a ledger of what the first two saw. */
export interface MongoRig extends AsyncDisposable {
  proxy: TestProxy
  ledger: Ledger
  /** So many clients at once, until `until` is done; resolves when all have ended. */
  load(clients: number, until: () => Promise<unknown>): Promise<void>
  health(): Promise<MongoHealth>
  /** The first health that is so. */
  healthOnce(what: string, isSo: (health: MongoHealth) => boolean, ms?: number): Promise<MongoHealth>
  /** Everything accepted is delivered. */
  delivered(ms?: number): Promise<Counters>
}

export async function mongoRig(mongoUri: string, mongoDatabase: string, dataDir?: string): Promise<MongoRig> {
  const { ledger, upstream, load, [Symbol.asyncDispose]: end } = await traffic()
  const proxy = await startProxy({
    mongoUri,
    mongoDatabase,
    upstreams: { openai: upstream.port },
    ...(dataDir !== undefined && { dataDir }),
  })
  const health = async (): Promise<MongoHealth> => {
    const { services, sinks, answered_by } = await healthOf(proxy.url)
    return { ...services.mongodb!, answeredBy: answered_by, sink: sinks.mongodb ?? null }
  }
  return {
    proxy,
    ledger,
    load: (clients, until) => load(proxy.port, clients, until),
    health,
    healthOnce: (what, isSo, ms) =>
      eventually(
        what,
        async () => {
          const found = await health()
          return isSo(found) ? found : null
        },
        ms,
      ),
    async delivered(ms = 30_000) {
      await proxy.settled()
      const { sinks } = await delivered(proxy.url, ms)
      return sinks.mongodb!
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop()
      await end()
    },
  }
}
