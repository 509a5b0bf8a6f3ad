import type { JournalFiles } from './files.ts'

/**
 * Files with bytes that are not safe against a loss of power yet. One that was left stays open until it is synced. After a
 * failed sync nothing is promised of that file any more: a second sync would report success for pages that the kernel gave up.
 */
export class Unsynced {
  #files: JournalFiles
  #directories: readonly string[]
  #problem: (event: string, error: unknown) => void
  #dirty = new Set<number>()
  #syncing = new Set<number>()
  #left = new Set<number>()
  #failed = new Set<number>()
  /** How many of the directories hold names that are not safe, from the innermost on. */
  #nameless: number

  constructor(
    files: JournalFiles,
    /** Innermost first; only that one gets new names later on. */
    directories: readonly string[],
    problem: (event: string, error: unknown) => void,
  ) {
    this.#files = files
    this.#directories = directories
    this.#problem = problem
    this.#nameless = directories.length
  }

  wrote(fd: number) {
    this.#dirty.add(fd)
  }

  named() {
    this.#nameless = Math.max(1, this.#nameless)
  }

  /** Nothing more will be written to it. */
  leave(fd: number) {
    this.#left.add(fd)
    this.#closeLeft()
  }

  /** Closes what was left, synced or not. */
  end() {
    this.#dirty.clear()
    this.#syncing.clear()
    this.#closeLeft()
  }

  hasFailed(fd: number): boolean {
    return this.#failed.has(fd)
  }

  /** Syncs all that was written before this call. One at a time. */
  sync(done: (error: Error | null) => void) {
    const fds = [...this.#dirty]
    const names = this.#directories.slice(0, this.#nameless)
    this.#syncing = new Set(fds)
    this.#dirty.clear()
    this.#nameless = 0
    let failure: Error | null = null
    let waiting = fds.length + names.length
    const finished = (error: Error | null) => {
      failure ??= error
      if (--waiting > 0) return
      this.#syncing.clear()
      this.#closeLeft()
      done(failure)
    }
    for (const fd of fds) {
      this.#files.sync(fd, (error) => {
        if (error) this.#failed.add(fd)
        finished(this.#failed.has(fd) ? (error ?? new Error('an earlier sync of this file failed')) : null)
      })
    }
    for (const path of names) {
      this.#files.syncDirectory(path, (error) => {
        if (error) this.#nameless = this.#directories.length
        finished(error)
      })
    }
    if (waiting === 0) done(null)
  }

  #closeLeft() {
    for (const fd of this.#left) {
      if (this.#dirty.has(fd) || this.#syncing.has(fd)) continue
      this.#left.delete(fd)
      this.#failed.delete(fd)
      try {
        this.#files.close(fd)
      } catch (error) {
        this.#problem('journal file call failed', error)
      }
    }
  }
}
