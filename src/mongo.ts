import type { ServiceStatus, SinkCounts } from './api/parts.ts'
import { type Damage, type DelivererHandle, startDeliverer } from './delivery/deliverer-thread.ts'
import type { SinkStatus } from './delivery/sink-status.ts'
import type { Clock } from './lib/clock.ts'
import { keyedHash } from './lib/keyed-hash.ts'
import type { Log } from './lib/log.ts'
import { bodiesDays, collectionDays } from './settings/retention.ts'
import { csvDirectory, type Settings } from './settings/settings.ts'
import { chooseStore } from './stores/choose.ts'
import { openReader } from './stores/sqlite/reader-thread.ts'
import type { Store } from './stores/store.ts'

export interface MongoParts {
  settings: Settings
  pepper: string
  /** Counted up by the recorder after records were stored. */
  stored: SharedArrayBuffer
  /** This machine's own store. */
  own: Store
  /** Told when the embedded database turns out to be damaged. */
  damaged: (damage: Damage) => void
  clock: Clock
  log: Log
}

export interface Mongo {
  /** Answers from MongoDB, or from this machine while that is away. Closing it closes both. */
  store: Store
  status(): Promise<{ service: ServiceStatus; counts: SinkCounts | null }>
  /** The embedded database is another file now. */
  renew(): void
  /** Delivers what is there, as long as MongoDB takes it and until `hurry` resolves; the rest after the next start. */
  stop(hurry: Promise<unknown>): Promise<void>
}

/** The MongoDB that the settings name: records are delivered to it by one thread and read by another. Null: they name none. */
export async function startMongo(parts: MongoParts): Promise<Mongo | null> {
  const { settings, log, clock } = parts
  const { mongoUri: uri, mongoDatabase: database } = settings
  if (uri === null) return null
  const deliverer = await startDeliverer({
    dataDir: settings.dataDir,
    stored: parts.stored,
    csvDirectory: csvDirectory(settings),
    mongo: {
      uri,
      database,
      pepperId: keyedHash(parts.pepper, 'pepper'),
      retention: collectionDays(settings),
      bodiesDays: bodiesDays(settings),
    },
    log,
    damaged: parts.damaged,
  })
  const entry = new URL(`mongo-reader.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
  const store = chooseStore({
    shared: openReader({ uri, database }, { entry, name: 'mongodb', timeoutMs: questionMs }),
    own: parts.own,
    reachable: () => deliverer.known().every(({ state }) => state === 'ok'),
    failed: (error) => log.warn('MongoDB did not answer a question; the embedded database did', { error }),
    clock,
  })
  return {
    store,
    status: () => statusOf(deliverer),
    renew: () => deliverer.renew(),
    stop: (hurry) => deliverer.stop(Math.min(settings.drainLimitMs, drainMs), hurry),
  }
}

async function statusOf(deliverer: DelivererHandle): Promise<{ service: ServiceStatus; counts: SinkCounts | null }> {
  const sink = (await deliverer.status()).find(({ name }) => name === 'mongodb')
  if (sink === undefined) return { service: { state: 'degraded', message: 'not known yet' }, counts: null }
  return { service: serviceOf(sink), counts: sink.counters }
}

function serviceOf({ state, code, since_ms }: SinkStatus): ServiceStatus {
  if (state === 'ok') return { state, message: null }
  const since = since_ms === null ? '' : ` since ${new Date(since_ms).toISOString()}`
  return { state, message: `takes nothing${since} (${code}); records wait in the embedded database` }
}

const questionMs = 6_000
const drainMs = 5_000
