import type { Releases, Waiting } from './waiting.ts'

export interface GroupSyncOptions {
  /** Syncs all that was written before this call. */
  sync(done: (error: Error | null) => void): void
  releases: Releases
  mono(): number
  /** The longest that somebody waits. */
  patienceMs: number
  problem: (event: string, error: unknown) => void
  /** The number of the last exchange that was begun. */
  lastExchange(): number
  /** Nobody is waited for any more. */
  idle(): void
}

interface Group {
  callbacks: Waiting[]
  sinceMs: number
}

/**
 * Group commit: whoever wrote is told after a sync that began after the write. While one sync runs, all who write gather for
 * the next. After a sync that failed, the ends of calls that were open then are not called safe: some of their bytes may be
 * among those that were not synced.
 */
export class GroupSync {
  #options: GroupSyncOptions
  #gathering: Group | null = null
  #running: Group | null = null
  #doubtfulTo = 0
  #watch: NodeJS.Timeout

  constructor(options: GroupSyncOptions) {
    this.#options = options
    this.#watch = setInterval(() => this.#releaseLate(), options.patienceMs / 5)
    this.#watch.unref()
  }

  get isIdle(): boolean {
    return this.#running === null && this.#gathering === null
  }

  /** The bytes of these are written. */
  add(callbacks: readonly Waiting[], sinceMs: number) {
    if (callbacks.length === 0) return
    this.#gathering ??= { callbacks: [], sinceMs }
    if (this.#gathering.callbacks.length === 0) this.#gathering.sinceMs = sinceMs
    for (const waiting of callbacks) this.#gathering.callbacks.push(waiting)
    this.#run()
  }

  end() {
    clearInterval(this.#watch)
  }

  #run() {
    if (this.#running || !this.#gathering) return
    const group = this.#gathering
    this.#gathering = null
    this.#running = group
    this.#options.sync((error) => {
      this.#running = null
      if (error) this.#failed(group, error)
      else this.#tellSynced(group)
      this.#run()
      if (this.isIdle) this.#options.idle()
    })
  }

  #tellSynced({ callbacks }: Group) {
    const { releases } = this.#options
    if (this.#doubtfulTo === 0) releases.tell(callbacks, true)
    else for (const waiting of callbacks) releases.tell([waiting], waiting.exchange > this.#doubtfulTo)
  }

  /** Who gathered meanwhile may have written to the same file. */
  #failed(group: Group, error: Error) {
    const { problem, lastExchange } = this.#options
    problem('journal sync failed', error)
    this.#doubtfulTo = lastExchange()
    this.#releaseUnsafe(group)
    if (this.#gathering) this.#releaseUnsafe(this.#gathering)
    this.#gathering = null
  }

  #releaseLate() {
    const latest = this.#options.mono() - this.#options.patienceMs
    for (const group of [this.#running, this.#gathering]) {
      if (group && group.sinceMs <= latest) this.#releaseUnsafe(group)
    }
  }

  #releaseUnsafe(group: Group) {
    this.#options.releases.tell(group.callbacks.splice(0), false)
  }
}
