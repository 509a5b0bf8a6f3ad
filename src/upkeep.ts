import { setTimeout as delay } from 'node:timers/promises'
import { createFallbackDelivery } from './delivery/fallback.ts'
import { openCsvFallback } from './exporters/csv/index.ts'
import { type DiskUse, databaseLimit, limitOf } from './journal/disk-budget.ts'
import { systemClock } from './lib/clock.ts'
import type { Log } from './lib/log.ts'
import type { UpkeepData } from './pipeline/recorder-thread.ts'
import type { EmbeddedStore } from './stores/sqlite/local.ts'
import { openOutbox } from './stores/sqlite/outbox.ts'
import { csvPart } from './stores/sqlite/purge-rows.ts'
import { createUpkeep } from './stores/sqlite/upkeep.ts'

export interface UpkeepParts {
  store: EmbeddedStore
  /** The embedded database's file. */
  path: string
  data: UpkeepData
  log: Pick<Log, 'info' | 'warn'>
  use: DiskUse
  /** The embedded database has done its part of a purge. */
  purged(): void
}

/** What keeps the data directory tidy, in the recorder's thread. */
export interface RunningUpkeep {
  looked(use: DiskUse): void
  /** Records were stored: where they bring the database near its limit, the oldest go at once. */
  grown(): void
  /** There is a purge to carry out. */
  wake(): void
  stop(): Promise<void>
}

export function startUpkeep({ store, path, data, log, use, purged }: UpkeepParts): RunningUpkeep {
  const limitFor = (use: DiskUse): number =>
    databaseLimit(limitOf(use, data.journalLimitBytes), data.databaseLimitBytes)
  let limit = limitFor(use)
  const upkeep = createUpkeep({
    store,
    days: data.days,
    limitBytes: () => limit,
    purged,
    clock: systemClock,
    log,
    sleep,
  })
  const files = data.sinks.length === 0 ? filesAlone(path, data.csvDirectory, log) : null
  const running = Promise.all([upkeep.run(), files?.run()])
  return {
    looked(use) {
      // when somebody else fills the disk, calls that are kept do not pay for it
      limit = Math.max(limit, limitFor(use))
    },
    grown() {
      if (store.space.isFull(limit)) upkeep.wake()
    },
    wake: upkeep.wake,
    async stop() {
      upkeep.stop()
      files?.stop()
      await running
      files?.close()
    },
  }
}

/** Without a sink nobody writes CSV files, and nobody else deletes what was written while there was one. */
function filesAlone(path: string, directory: string, log: UpkeepParts['log']) {
  const outbox = openOutbox({ path, sinks: [], clock: systemClock })
  const kept = outbox.kept('csv_fallback')
  const beside = createFallbackDelivery({
    sink: 'none',
    fallback: openCsvFallback({ directory, kept, past: outbox.kept('csv_fallback_past') }),
    behind: () => [],
    nextPurge: () => outbox.nextPurge(csvPart),
    settlePurge: (purge, counts) => outbox.settlePurge(csvPart, purge, counts, true),
    log,
    clock: systemClock,
    sleep,
  })
  return { run: beside.run, stop: beside.stop, close: outbox.close }
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => {}) // the signal only cuts it short
