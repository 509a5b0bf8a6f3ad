import { closeSync, fdatasyncSync, fstatSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { listSegments, segmentPath } from '../journal/segments.ts'

/** Makes what live epochs have written safe against power loss, away from the data plane's thread. */
export class LiveSync {
  /** Syncs that failed. What they were to make safe stays safe against a crash of the process. */
  failed = 0
  #dir: string
  #warn: (error: unknown) => void
  /** The last segment of each epoch that was synced, and its size then. */
  #synced = new Map<string, { segment: number; size: number }>()

  constructor(dir: string, warn: (error: unknown) => void) {
    this.#dir = dir
    this.#warn = warn
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
    const last = this.#synced.get(epoch) ?? { segment: 0, size: 0 }
    for (const segment of listSegments(this.#dir, epoch)) {
      if (segment < last.segment) continue
      const fd = openSync(segmentPath(this.#dir, epoch, segment), 'r')
      try {
        const { size } = fstatSync(fd)
        if (size === 0 || (segment === last.segment && size === last.size)) continue
        this.#synced.set(epoch, { segment, size }) // a failed sync is not repeated on the same bytes: it would lie
        fdatasyncSync(fd)
        if (segment !== last.segment) syncDirectory(join(this.#dir, epoch))
      } finally {
        closeSync(fd)
      }
    }
  }
}

function syncDirectory(path: string) {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
