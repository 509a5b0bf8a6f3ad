import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log, LogLevel } from '../../src/lib/log.ts'
import { start } from '../../src/main.ts'
import type { Settings } from '../../src/settings/settings.ts'
import type { RunDetail, Store } from '../../src/stores/store.ts'
import { type SettingsOverrides, testSettings } from './settings.ts'

/** Runs the whole product in this process, threads and all, on a free port with a data directory of its own. */
export async function startProxy(overrides: SettingsOverrides = {}): Promise<TestProxy> {
  const dataDir = overrides.dataDir ?? (await mkdtemp(join(tmpdir(), 'sightglass-test-')))
  const settings = testSettings({ ...overrides, dataDir })
  const events: LogEvent[] = []
  const remove = async () => {
    if (overrides.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
  }
  const running = await start({ settings, log: collectingLog(events) }).catch(async (error: unknown) => {
    await remove()
    throw error
  })
  const settled = () => running.settled(10_000)
  let stopped: Promise<void> | null = null
  const end = async () => {
    try {
      await running.stop()
    } finally {
      await remove()
    }
  }
  const stop = async () => {
    stopped ??= end()
    await stopped
  }
  return {
    port: running.address.port,
    url: `http://127.0.0.1:${running.address.port}`,
    adminToken: running.adminToken,
    dataDir,
    settings,
    store: running.store,
    events,
    settled,
    async records() {
      await settled()
      return allRecords(running.store)
    },
    async record(id) {
      await settled()
      const found = id === null ? null : await running.store.run(null, id)
      if (!found) throw new Error(`${id}: no such record`)
      return found
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

export interface TestProxy extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly adminToken: string
  readonly dataDir: string
  readonly settings: Settings
  readonly store: Store
  /** What was logged, from `debug` up. */
  readonly events: readonly LogEvent[]
  /** Resolves once everything accepted so far is stored. */
  settled(): Promise<void>
  /** Every record of every operation, oldest first, once everything is stored. */
  records(): Promise<RunDetail[]>
  /** The record of that id (an answer's `x-sightglass-id`), once everything is stored. */
  record(id: string | null): Promise<RunDetail>
  /** Stops, and removes the data directory unless the test brought its own. */
  stop(): Promise<void>
}

export interface LogEvent {
  level: LogLevel
  message: string
  fields: object
}

async function allRecords(store: Store): Promise<RunDetail[]> {
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const page = await store.runs(null, { operation: 'all', limit: 200, ...(cursor ? { cursor } : {}) })
    ids.push(...page.items.map((item) => item.telemetry._id))
    cursor = page.nextCursor
  } while (cursor !== null)
  const details = await Promise.all(ids.sort().map((id) => store.run(null, id)))
  return details.filter((detail) => detail !== null)
}

function collectingLog(events: LogEvent[]): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: object = {}) =>
      void events.push({ level, message, fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
