import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, onTestFinished } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { createApi } from '../../src/api/app.ts'
import { apiListener } from '../../src/api/listener.ts'
import { callMetrics } from '../../src/api/metrics/call-metrics.ts'
import type { ApiParts, SystemStatus } from '../../src/api/parts.ts'
import { keyedHash } from '../../src/lib/keyed-hash.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { OwnStore } from '../../src/stores/own-store.ts'
import { type OpenStore, openStore } from '../../src/stores/sqlite/query.ts'
import { aMoment } from '../support/records.ts'
import { aDatabase, emptyBatch } from '../support/sqlite-store.ts'

export const adminToken = 'sga_for-tests'
export const pepper = 'a pepper for tests'
export const idOf = (key: string): string => keyedHash(pepper, key)

/** Two hours after the moment of the records. */
export const nowMs = aMoment + 7_200_000

export const healthy: SystemStatus = {
  services: {
    journal: { state: 'ok', message: null },
    recorder: { state: 'ok', message: null },
    store: { state: 'ok', message: null },
  },
  records: { accepted: 7, stored: 4, pending: 1, quarantined: 1, dropped: 1, unprotected: 2 },
  sinks: {},
  answeredBy: 'sqlite',
  activeRequests: 3,
  journal: { bytes: 4096, lagBytes: 64 },
}

export interface TestApi {
  readonly url: string
  readonly port: number
  /** What the API reported as failed. */
  readonly failures: { error: unknown; route: string }[]
  get(path: string, key?: string | null, headers?: Record<string, string>): Promise<Response>
  /** Status and parsed body. */
  ask(path: string, key?: string | null): Promise<{ status: number; body: Json }>
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into JSON as it comes
export type Json = any

/** The API on a port of its own, over the given records; asks as the admin unless told otherwise. */
export async function apiOver(records: readonly StoredRecord[], other: Partial<ApiParts> = {}): Promise<TestApi> {
  const failures: TestApi['failures'] = []
  let mono = 1_000
  const parts: ApiParts = {
    store: storeOf(records),
    own: scrapable(storeOf(records)),
    adminToken,
    metricsToken: null,
    fallbackDirectory: null,
    pepper,
    providers: await loadProviders(),
    clock: { wall: () => nowMs, mono: () => (mono += 250) },
    version: '1.2.3',
    settings: {
      keys: {},
      bodyLimitBytes: 1_048_576,
      journalBodyLimitBytes: 33_554_432,
      captureRequest: 'full',
      captureResponse: 'full',
      deploymentEnvironment: 'development',
    },
    purge: () => Promise.reject(new Error('no recorder runs here')),
    status: async () => healthy,
    ready: () => true,
    failed: (error, route) => failures.push({ error, route }),
    ...other,
  }
  const server = createServer(apiListener(createApi(parts))).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const get: TestApi['get'] = (path, key = adminToken, headers = {}) =>
    fetch(url + path, { headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers } })
  return {
    url,
    port,
    failures,
    get,
    async ask(path, key) {
      const response = await get(path, key)
      return { status: response.status, body: await response.json() }
    },
  }
}

const stores = new Map<unknown, { store: OpenStore; close(): Promise<void> }>()

const scrapable = (store: OpenStore): OwnStore => ({
  ...store,
  scrape: async () => callMetrics(await store.totals()),
})

/** What a test that brings its own numbers of an instance does not ask for. */
export const notAsked: Pick<OwnStore, 'scrape' | 'sums' | 'connectionEvents' | 'purge' | 'purges' | 'deleted'> = {
  scrape: () => Promise.reject(new Error('not asked')),
  sums: () => Promise.reject(new Error('not asked')),
  connectionEvents: () => Promise.reject(new Error('not asked')),
  purge: () => Promise.reject(new Error('not asked')),
  purges: () => Promise.reject(new Error('not asked')),
  deleted: () => Promise.reject(new Error('not asked')),
}

/** The embedded store with these records in it, and a purge that is done; one for each list of a file. */
export function storeOf(records: readonly StoredRecord[]): OpenStore {
  const list = records.length === 0 ? 'none' : records
  let opened = stores.get(list)
  if (!opened) {
    const database = aDatabase()
    database.local.commit({ ...emptyBatch, records })
    database.local.purges.ask({ project: 'nobody', user: null, beforeMs: null, dry: false }, aMoment)
    while (database.local.purges.step(aMoment + 1_000) !== 'idle');
    const store = openStore(database.path)
    const close = async (): Promise<void> => {
      await store.close()
      database.remove()
    }
    opened = { store, close }
    stores.set(list, opened)
  }
  return opened.store
}

afterAll(async () => {
  for (const { close } of stores.values()) await close()
})
