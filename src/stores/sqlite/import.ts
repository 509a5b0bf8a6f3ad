import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { LocalBatch } from '../../pipeline/local-store.ts'
import type { StoredRecord } from '../../records/stored.ts'
import { openLocalStore } from './local.ts'
import { lockDirectory } from './lock.ts'

/** Adds records of another origin to the embedded database, from where they go to every sink. */
export interface Import {
  /** This data directory's own id. */
  readonly instance: string
  /** All or nothing; returns how many were not there yet. */
  add(records: readonly StoredRecord[]): number
  close(): void
}

/** Throws `DirectoryLocked` while a proxy works in the directory: its recorder is the only one that may write then. */
export function openImport(dataDir: string): Import {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(dataDir)
  try {
    const store = openLocalStore(join(dataDir, 'sightglass.sqlite'))
    while (store.purges.step(Date.now()) !== 'idle'); // what is brought now is not meant by them
    return {
      instance: store.instance,
      add(records) {
        const before = store.counters().telemetry
        store.commit({ ...noPlaces, records })
        return store.counters().telemetry - before
      },
      close() {
        store.close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

const noPlaces: Omit<LocalBatch, 'records'> = {
  positions: [],
  finishedEpochs: [],
  applied: [],
  settled: [],
  carry: [],
  uncarry: [],
}
