import { given } from '../lib/given.ts'
import { KeptThread } from '../lib/kept-thread.ts'
import type { Log } from '../lib/log.ts'
import type { SinkStatus } from './sink-status.ts'

export interface DelivererThreadOptions {
  dataDir: string
  /** One Int32 that the recorder counts up, and notifies, after records were stored. */
  stored: SharedArrayBuffer
  mongo: MongoTarget
  /** Where calls are also written while the sink is away. */
  csvDirectory: string
  log: Log
  /** Told when the embedded database turns out to be damaged. */
  damaged?: (damage: Damage) => void
  /** The thread's entry. */
  entry?: URL
  restartMs?: number
  silenceMs?: number
}

/** A MongoDB to deliver to, as the settings name it. */
export interface MongoTarget {
  /** Secret. */
  uri: string
  database: string
  /** Names the pepper of the fingerprints without telling it. */
  pepperId: string
  /** Days by collection; 0 keeps for ever. */
  retention: Readonly<Record<'telemetry' | 'llm_runs' | 'rollups' | 'connection_logs' | 'metrics', number>>
  /** Days for raw bytes; 0 keeps for ever. */
  bodiesDays: number
}

/** What fails on which file of the embedded database: by now another one may have taken its place. */
export interface Damage {
  file: string
  reason: string
}

/** What the thread is started with. */
export type DelivererData = Pick<DelivererThreadOptions, 'dataDir' | 'stored' | 'mongo' | 'csvDirectory'>

export type ToDeliverer = { type: 'status' } | { type: 'stop'; drainMs: number }
export type FromDeliverer =
  | { type: 'ready' }
  | { type: 'status'; sinks: readonly SinkStatus[]; asked: boolean }
  | { type: 'damaged'; damage: Damage }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; message: string; fields: object | undefined }

export interface DelivererHandle {
  /** How the sinks are now; the last that is known when the thread does not say. */
  status(): Promise<readonly SinkStatus[]>
  /** The last that is known. */
  known(): readonly SinkStatus[]
  alive(): boolean
  /** The embedded database is another file now. */
  renew(): void
  /** Lets the thread deliver what is there for so long, or until `hurry` resolves; the rest is delivered after the next start. */
  stop(drainMs: number, hurry?: Promise<unknown>): Promise<void>
}

/** Starts the thread that delivers records to the sinks, and keeps it running. Throws when its first start fails. */
export async function startDeliverer(options: DelivererThreadOptions): Promise<DelivererHandle> {
  const { log, entry = delivererEntry(), restartMs, silenceMs, dataDir, stored, mongo, csvDirectory } = options
  const asking: (() => void)[] = []
  let sinks: readonly SinkStatus[] = []
  const answered = () => asking.shift()?.()
  const thread = new KeptThread<ToDeliverer, FromDeliverer>({
    name: 'deliverer',
    entry,
    workerData: (): DelivererData => ({ dataDir, stored, mongo, csvDirectory }),
    log,
    meanwhile: 'what is not delivered waits in the embedded database',
    ping: () => thread.send({ type: 'status' }),
    told(message) {
      if (message.type === 'log') log[message.level](message.message, message.fields)
      if (message.type === 'damaged') options.damaged?.(message.damage)
      if (message.type !== 'status') return
      sinks = message.sinks
      if (message.asked) answered()
    },
    gone() {
      sinks = sinks.map((sink) => ({ ...sink, state: 'down', code: 'ThreadDied', since_ms: Date.now() }))
      for (const answer of asking.splice(0)) answer()
    },
    ...given({ restartMs, silenceMs }),
  })
  await thread.begin()
  return {
    async status() {
      if (!thread.alive()) return sinks
      await new Promise<void>((resolve) => {
        asking.push(resolve)
        thread.send({ type: 'status' })
        setTimeout(resolve, answerMs).unref()
      })
      return sinks
    },
    known: () => sinks,
    alive: () => thread.alive(),
    renew: () => thread.renew(),
    stop: (drainMs, hurry) => thread.stop({ type: 'stop', drainMs }, drainMs + endMs, hurry),
  }
}

function delivererEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../deliverer.${extension}`, import.meta.url)
}

const answerMs = 1_000
/** For closing what is open, after the draining. */
const endMs = 2_000
