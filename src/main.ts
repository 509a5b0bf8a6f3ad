import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadProviders } from '../providers/index.ts'
import { openSecrets } from './access/secrets.ts'
import { createApi } from './api/app.ts'
import { apiListener } from './api/listener.ts'
import { ownPaths } from './api/own-paths.ts'
import type { SystemStatus } from './api/parts.ts'
import { systemClock } from './lib/clock.ts'
import { given } from './lib/given.ts'
import type { Log } from './lib/log.ts'
import { version } from './lib/version.ts'
import { type Mongo, startMongo } from './mongo.ts'
import { diskUse } from './pipeline/disk-use.ts'
import { type RecorderHandle, startRecorder, type UpkeepData } from './pipeline/recorder-thread.ts'
import { settled } from './pipeline/settled.ts'
import { connectionEvent } from './records/connection-log.ts'
import type { DataPlane } from './serving/data-plane.ts'
import { type LocalPlaneParts, openLocalPlane } from './serving/local-plane.ts'
import { openWorkerPool } from './serving/worker-pool.ts'
import { authority } from './settings/authority.ts'
import { bodiesDays } from './settings/retention.ts'
import { csvDirectory, type Settings } from './settings/settings.ts'
import { systemStatus } from './status.ts'
import { lockDirectory } from './stores/sqlite/lock.ts'
import { openReader } from './stores/sqlite/reader-thread.ts'
import type { Store } from './stores/store.ts'

export interface RunningProxy {
  readonly address: { host: string; port: number }
  readonly adminToken: string
  /** Made at this start: the moment to show it. */
  readonly adminTokenMade: boolean
  readonly adminTokenPath: string
  readonly store: Store
  /** Resolves once everything accepted so far is stored, or throws after the deadline. */
  settled(deadlineMs: number): Promise<void>
  /** `/ready` says no, calls are still served for the drain delay, running ones end within the drain limit, everything is kept. */
  stop(options?: { delayMs?: number }): Promise<void>
  /** Ends running calls at once, and waits for nothing any more: the journal keeps the rest. For a second signal. */
  cut(): void
}

export interface StartOptions {
  settings: Settings
  log: Log
  /** Another recorder's thread than ours, to measure without it. */
  recorderEntry?: URL
}

/** Builds the parts, starts them, and stops them in reverse. Throws when the data directory or the port cannot be had. */
export async function start({ settings, log, recorderEntry }: StartOptions): Promise<RunningProxy> {
  const clock = systemClock
  const startedAtMs = clock.mono()
  const { dataDir } = settings
  const undo: (() => Promise<void> | void)[] = []
  const hurry = Promise.withResolvers<void>()
  try {
    makeDirectory(dataDir)
    const lock = lockDirectory(dataDir)
    undo.push(() => lock.release())
    const secrets = openSecrets(dataDir, settings)
    const providers = await loadProviders()

    const wake = new Int32Array(new SharedArrayBuffer(4))
    const use = diskUse(dataDir)
    let recorder: RecorderHandle | null = null
    const plane = await openPlane(settings, {
      providers,
      pepper: secrets.pepper,
      use,
      wake: () => {
        Atomics.add(wake, 0, 1)
        Atomics.notify(wake, 0)
      },
      changed: (epochs) => recorder?.live(epochs),
      clock,
      log,
    })
    undo.push(() => plane.end())
    let mongo: Mongo | null = null
    const own = openReader(join(dataDir, 'sightglass.sqlite'))
    undo.push(() => mongo?.stop(hurry.promise)) // after the recorder has stored what it read
    const stored = new SharedArrayBuffer(4)
    const records = await startRecorder({
      dataDir,
      liveEpochs: plane.epochs,
      wake: wake.buffer,
      stored,
      pepper: secrets.pepper,
      bodyLimitBytes: settings.bodyLimitBytes,
      pricesFile: settings.pricesFile,
      projectNames: namesOf(settings),
      upkeep: upkeepOf(settings),
      log,
      disk: (use) => plane.looked(use),
      ...given({ entry: recorderEntry }),
      replaced() {
        own.renew()
        mongo?.renew()
      },
    })
    recorder = records
    undo.push(async () => {
      await plane.end()
      await records.stop(recorderStopMs, hurry.promise)
    })
    undo.push(() => own.close())
    mongo = await startMongo({
      settings,
      pepper: secrets.pepper,
      stored,
      own,
      clock,
      log,
      damaged: (damage) => records.replace(damage),
    })
    const store = mongo?.store ?? own
    undo.push(() => store.close())

    const state = { draining: false, ready: false }
    const status = (): Promise<SystemStatus> => systemStatus({ recorder: records, plane, mongo, store })
    const api = createApi({
      store,
      own,
      adminToken: secrets.adminToken,
      metricsToken: settings.metricsToken,
      fallbackDirectory: mongo === null ? null : csvDirectory(settings),
      pepper: secrets.pepper,
      providers,
      clock,
      version,
      settings,
      purge: (wish) => records.purge(wish),
      status,
      ready: () => state.ready && !state.draining && !plane.refusing(),
      failed: (error, route) => log.error('the API failed', { route, error }),
    })
    const { address, port } = await plane.listen(apiListener(api))
    state.ready = true
    records.note(
      connectionEvent(clock.wall(), 'application_startup', `listening on ${authority(address, port)}`, {
        environment: process.env.KUBERNETES_SERVICE_HOST ? 'kubernetes' : 'standalone',
        host: address,
        port,
        debug: settings.logLevel === 'debug',
        version,
      }),
    )
    undo.push(() => {
      const shutdown_time = new Date(clock.wall()).toISOString()
      records.note(connectionEvent(clock.wall(), 'application_shutdown', 'stopped as asked', { shutdown_time }))
    })
    if (mongo === null)
      records.note(
        connectionEvent(clock.wall(), 'database_connected', 'the embedded database is open', { database: 'sqlite' }),
      )
    log.debug('listening', { address, port, ms: Math.round(clock.mono() - startedAtMs) })

    let stopping: Promise<void> | null = null
    const stop = async (delayMs: number): Promise<void> => {
      state.draining = true
      const { active } = await plane.status()
      log.info('stopping', { active, delayMs, limitMs: settings.drainLimitMs })
      await plane.drain(delayMs, hurry.promise)
      await unwind(undo)
    }
    return {
      address: { host: settings.host, port },
      adminToken: secrets.adminToken,
      adminTokenMade: secrets.adminTokenMade,
      adminTokenPath: secrets.adminTokenPath,
      store,
      settled: (deadlineMs) =>
        settled(deadlineMs, plane.idle(), records, async () => {
          const { counters } = await plane.status()
          return counters.accepted - counters.droppedCalls
        }),
      stop: ({ delayMs = settings.drainDelayMs } = {}) => {
        stopping ??= stop(delayMs)
        return stopping
      },
      cut: () => {
        hurry.resolve()
        plane.cut()
      },
    }
  } catch (error) {
    await unwind(undo)
    throw error
  }
}

/** What serves calls: this process, or as many workers as the settings say. */
async function openPlane(
  settings: Settings,
  parts: Omit<LocalPlaneParts, 'settings' | 'ownPaths' | 'planes' | 'sharedPort'> & {
    changed: (epochs: readonly string[]) => void
  },
): Promise<DataPlane> {
  if (settings.workers === 1) return openLocalPlane({ ...parts, settings, ownPaths, planes: 1, sharedPort: null })
  const entry = new URL(`worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
  return openWorkerPool({ ...parts, settings, entry })
}

/** How long a stop waits for what the journal holds to be read; the next start reads the rest. */
const recorderStopMs = 5_000

/** Stops what was started, last first; the first failure is thrown after all had their turn. */
async function unwind(undo: (() => Promise<void> | void)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

function makeDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new Error(`the data directory ${dataDir} cannot be made (${code}): choose another with DATA_DIR`, {
      cause: error,
    })
  }
}

const upkeepOf = (settings: Settings): UpkeepData => ({
  days: {
    bodies: bodiesDays(settings),
    words: settings.llmRunsDays,
    records: settings.telemetryDays,
    rollups: settings.rollupsDays,
    connectionLogs: settings.connectionLogsDays,
    metrics: settings.metricsDays,
  },
  databaseLimitBytes: settings.databaseLimitBytes,
  journalLimitBytes: settings.journalLimitBytes,
  sinks: settings.mongoUri === null ? [] : ['mongodb'],
  csvDirectory: csvDirectory(settings),
})

const namesOf = (settings: Settings): Record<string, string> =>
  Object.fromEntries(Object.entries(settings.projects).flatMap(([slug, { name }]) => (name ? [[slug, name]] : [])))
