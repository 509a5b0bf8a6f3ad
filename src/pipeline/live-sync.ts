import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { listSegments, segmentPath, segmentSize } from '../journal/segments.ts'

/** The calls that make things safe. Passed in, so that tests can let the power fail. */
export interface SyncCalls {
  syncFile(path: string): void
  /** The names in a directory. */
  syncDirectory(path: string): void
}

/** Makes what live epochs have written safe against power loss, away from the data plane's thread. */
export class LiveSync {
  /** Syncs that failed. What they were to make safe stays safe against a crash of the process. */
  failed = 0
  #dir: string
  #warn: (error: unknown) => void
  #calls: SyncCalls
  /** By epoch: the last segment that was synced, its size then, and the last one whose name is safe. */
  #synced = new Map<string, { segment: number; size: number; named: number }>()

  constructor(dir: string, warn: (error: unknown) => void, calls: SyncCalls = systemCalls) {
    this.#dir = dir
    this.#warn = warn
    this.#calls = calls
  }

  /** Syncs every segment that grew since the last time. */
  sync(epochs: readonly string[]) {
    for (const epoch of epochs) {
      try {
        this.#syncEpoch(epoch)
      } catch (error) {
        this.failed++
        this.#warn(error)
      }
    }
  }

  #syncEpoch(epoch: string) {
    const state = this.#synced.get(epoch) ?? { segment: 0, size: 0, named: 0 }
    this.#synced.set(epoch, state)
    for (const segment of listSegments(this.#dir, epoch)) {
      if (segment < state.segment) continue
      const size = segmentSize(this.#dir, epoch, segment)
      if (size === 0) continue
      if (segment !== state.segment || size !== state.size) {
        Object.assign(state, { segment, size }) // a failed sync is not repeated on the same bytes: it would lie
        this.#calls.syncFile(segmentPath(this.#dir, epoch, segment))
      }
      if (segment > state.named) this.#syncNames(epoch, state.named === 0)
      state.named = segment
    }
  }

  /** A file's name stands in its directory, and that one's in the next: a sync of the file alone need not keep it. */
  #syncNames(epoch: string, isNew: boolean) {
    this.#calls.syncDirectory(join(this.#dir, epoch))
    if (!isNew) return
    for (const path of [this.#dir, dirname(this.#dir)]) this.#calls.syncDirectory(path)
  }
}

const systemCalls: SyncCalls = {
  syncFile: (path) => synced(path, fdatasyncSync),
  syncDirectory: (path) => synced(path, fsyncSync),
}

function synced(path: string, sync: (fd: number) => void) {
  const fd = openSync(path, 'r')
  try {
    sync(fd)
  } finally {
    closeSync(fd)
  }
}
