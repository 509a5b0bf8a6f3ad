import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { ExchangeClose, ExchangeHead, ExchangeOpen } from '../records/exchange.ts'
import { Batch } from './batch.ts'
import { Calm } from './calm.ts'
import { type JournalFiles, systemFiles } from './files.ts'
import type { FrameType } from './frames.ts'
import { GroupSync } from './group-sync.ts'
import type { Journal, JournalCounters } from './journal.ts'
import { remainder } from './remainder.ts'
import { SegmentWriter, WriteFailed } from './segment-writer.ts'
import { Releases, type Waiting, type Written } from './waiting.ts'

export interface JournalOptions {
  /** The journal's directory; the epoch gets one of its own in it. */
  dir: string
  /** The epoch's name where somebody else made it (`newEpoch`), who tells the recorder before it begins. */
  epoch?: string
  clock: Clock
  segmentBytes: number
  /** Called after each write, for whoever reads along. */
  wake?: () => void
  /** Told of failures that were recovered from. */
  problem?: (event: string, error: unknown) => void
  files?: JournalFiles
  /** `write`: what was called back safe outlives this process. `sync`: a loss of power too. */
  durability?: 'write' | 'sync'
  /** A write that takes longer moves writing to the thread pool until the disk is quick again. */
  stallMs?: number
  /** The longest a callback waits while writes fail or stall. */
  patienceMs?: number
  /** Above this much unwritten, body bytes are dropped; above twice as much, everything is. */
  pendingLimitBytes?: number
}

/** Begins a new epoch in `dir`. Throws when nothing can be written there; after that, never. */
export function openJournal(options: JournalOptions): Journal {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 })
  const epoch = options.epoch ?? newEpoch(options.clock)
  mkdirSync(join(options.dir, epoch), { mode: 0o700 })
  return new JournalWriter(epoch, options)
}

export const newEpoch = (clock: Clock): string => newId(clock.wall())

class JournalWriter implements Journal {
  readonly epoch: string
  readonly counters: Mutable<JournalCounters> = {
    accepted: 0,
    unprotected: 0,
    dropped: 0,
    droppedCalls: 0,
    leanCalls: 0,
    bytes: 0,
    writes: 0,
    failedWrites: 0,
    stalled: false,
  }
  #clock: Clock
  #problem: (event: string, error: unknown) => void
  #wake: () => void
  #segments: SegmentWriter
  #releases: Releases
  #groups: GroupSync | null
  #salt = randomBytes(4).readUInt32LE()
  #stallMs: number
  #patienceMs: number
  #pendingLimit: number

  #collecting: Batch
  #inFlight: Batch | null = null
  /** What a failed write did not bring to the disk; it goes first. */
  #retained: Uint8Array | null = null
  #spare: Batch | null = null
  #scheduled = false
  #retry: NodeJS.Timeout | null = null
  #retryWaitMs = firstRetryMs
  #calm: Calm
  #watch: NodeJS.Timeout | null = null
  #exchange = 0
  #ended = false
  #drained: (() => void) | null = null

  constructor(epoch: string, options: JournalOptions) {
    this.epoch = epoch
    this.#clock = options.clock
    this.#problem = options.problem ?? (() => {})
    this.#wake = options.wake ?? (() => {})
    this.#stallMs = options.stallMs ?? 50
    this.#calm = new Calm(this.#stallMs)
    this.#patienceMs = options.patienceMs ?? 250
    this.#pendingLimit = options.pendingLimitBytes ?? 64 * 1024 * 1024
    this.#releases = new Releases(this.counters, this.#problem)
    this.#collecting = new Batch(this.#salt)
    this.#segments = new SegmentWriter({
      dir: options.dir,
      epoch,
      salt: this.#salt,
      segmentBytes: options.segmentBytes,
      files: options.files ?? systemFiles,
      syncs: options.durability === 'sync',
      problem: this.#problem,
    })
    this.#segments.begin()
    this.#groups = options.durability === 'sync' ? this.#groupSync() : null
  }

  open(open: ExchangeOpen, written: Written): number {
    this.#exchange = (this.#exchange + 1) >>> 0 || 1
    this.counters.accepted++
    if (this.#json('open', this.#exchange, open, written)) return this.#exchange
    this.counters.droppedCalls++
    setImmediate(written, false)
    return 0
  }

  head(exchange: number, head: ExchangeHead) {
    if (exchange !== 0) this.#json('head', exchange, head, null)
  }

  data(exchange: number, side: 'request' | 'response', offset: number, atMs: number, bytes: Uint8Array) {
    if (bytes.length === 0 || exchange === 0) return
    if (this.#ended || this.#pending() + bytes.length > this.#pendingLimit) {
      this.counters.dropped++
      return
    }
    this.#collecting.data(exchange, side, offset, atMs, bytes)
    if (!this.#scheduled) this.#schedule()
  }

  close(exchange: number, close: ExchangeClose, written: Written) {
    if (exchange === 0) setImmediate(written, false)
    else if (!this.#json('close', exchange, close, written))
      setImmediate(() => this.#releases.tell([{ exchange, last: true, written }], false))
  }

  end(): Promise<void> {
    if (this.#ended) return Promise.resolve()
    this.#json('end', 0, {}, null)
    this.#ended = true
    return new Promise((resolve) => {
      this.#drained = resolve
      this.#clearRetry() // one last attempt
      this.#flush()
      this.#finishWhenDrained()
    })
  }

  #json(type: FrameType, exchange: number, value: unknown, written: Written | null): boolean {
    try {
      if (this.#ended) throw new Error('the journal has ended')
      if (this.#pending() > this.#pendingLimit * 2) throw new Error('too much is waiting for the disk')
      this.#collecting.json(type, exchange, JSON.stringify(value))
    } catch (error) {
      this.counters.dropped++
      this.#problem(`journal dropped ${type} of exchange ${exchange}`, error)
      return false
    }
    if (written) {
      if (this.#collecting.callbacks.length === 0) this.#collecting.sinceMs = this.#clock.mono()
      this.#collecting.callbacks.push({ exchange, last: type === 'close', written })
    }
    if (!this.#scheduled) this.#schedule()
    return true
  }

  #schedule() {
    this.#scheduled = true
    setImmediate(this.#flush)
  }

  #flush = () => {
    this.#scheduled = false
    if (this.counters.stalled) {
      if (this.#retry !== null) this.#releaseUnsafe(this.#collecting)
      this.#pump()
    } else if (this.#collecting.bytes > 0) this.#writeNow()
  }

  #writeNow() {
    const batch = this.#collecting
    const startMs = this.#clock.mono()
    const parts = batch.finished()
    try {
      this.#segments.writeSync(parts, batch.bytes)
    } catch (error) {
      this.#collecting = this.#fresh()
      this.#stall()
      this.#failed(batch, parts, error)
      return
    }
    if (this.#clock.mono() - startMs > this.#stallMs) this.#stall()
    this.#succeeded(batch)
    const { callbacks, sinceMs } = batch
    batch.reset()
    this.#tellWritten(callbacks, sinceMs)
  }

  /** Writes through the thread pool: one write at a time, the next takes all that came meanwhile. */
  #pump() {
    if (this.#inFlight || this.#retry !== null) return
    const retained = this.#retained
    if (!retained && this.#collecting.bytes === 0) return
    const batch = retained ? this.#fresh() : this.#collecting
    const parts = retained ? [retained] : batch.finished()
    if (!retained) this.#collecting = this.#fresh()
    this.#inFlight = batch
    const startMs = this.#clock.mono()
    this.#segments.write(parts, retained?.length ?? batch.bytes, (error) => {
      this.#inFlight = null
      if (error) this.#failed(batch, parts, error)
      else {
        if (retained) {
          this.#retained = null
          batch.bytes = retained.length
        }
        this.#retryWaitMs = firstRetryMs
        this.#succeeded(batch)
        this.#tellWritten(batch.callbacks, batch.sinceMs)
        batch.reset()
        this.#spare = batch
        this.#perhapsCalm(startMs)
      }
      if (this.counters.stalled) this.#pump()
      else this.#flush()
      this.#finishWhenDrained()
    })
  }

  #tellWritten(callbacks: readonly Waiting[], sinceMs: number) {
    if (this.#groups) this.#groups.add(callbacks, sinceMs)
    else this.#releases.tell(callbacks, true)
  }

  #groupSync(): GroupSync {
    return new GroupSync({
      sync: (done) => this.#segments.sync(done),
      releases: this.#releases,
      mono: () => this.#clock.mono(),
      patienceMs: this.#patienceMs,
      problem: this.#problem,
      lastExchange: () => this.#exchange,
      idle: () => this.#finishWhenDrained(),
    })
  }

  #succeeded(batch: Batch) {
    this.counters.writes++
    this.counters.bytes += batch.bytes
    try {
      this.#wake()
    } catch (error) {
      this.#problem('journal wake failed', error)
    }
  }

  /** Keeps what is not on the disk for the next attempt, and lets those go who wait for it. */
  #failed(batch: Batch, parts: readonly Uint8Array[], error: unknown) {
    this.counters.failedWrites++
    this.#problem('journal write failed', error)
    const kept = error instanceof WriteFailed ? error.kept : 0
    this.#retained = remainder(parts, kept, this.#salt)
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.#pump()
    }, this.#retryWaitMs)
    this.#retry.unref()
    this.#retryWaitMs = Math.min(this.#retryWaitMs * 2, lastRetryMs)
    this.#calm.slow()
    this.#releaseUnsafe(batch)
    this.#releaseUnsafe(this.#collecting)
  }

  #stall() {
    if (this.counters.stalled) return
    this.counters.stalled = true
    this.#calm.stalled(this.#clock.mono())
    this.#watch = setInterval(() => this.#releaseLate(), this.#patienceMs / 5)
    this.#watch.unref()
  }

  #releaseLate() {
    const latest = this.#clock.mono() - this.#patienceMs
    for (const batch of [this.#inFlight, this.#collecting]) {
      if (batch && batch.callbacks.length > 0 && batch.sinceMs <= latest) this.#releaseUnsafe(batch)
    }
    if (!this.#inFlight && this.#collecting.bytes === 0 && this.#retained === null)
      this.#perhapsCalm(this.#clock.mono())
  }

  /** Writes have been quick for a while: back to writing at once. */
  #perhapsCalm(startMs: number) {
    const now = this.#clock.mono()
    this.#calm.wrote(startMs, now)
    if (this.#retained || !this.#calm.returned(now)) return
    this.counters.stalled = false
    if (this.#watch) clearInterval(this.#watch)
    this.#watch = null
  }

  #releaseUnsafe(batch: Batch) {
    const callbacks = batch.callbacks
    if (callbacks.length === 0) return
    batch.callbacks = []
    this.#releases.tell(callbacks, false)
  }

  #finishWhenDrained() {
    if (!this.#drained || this.#inFlight) return
    const left = this.#pending()
    if ((left > 0 && this.#retry === null) || this.#groups?.isIdle === false) return
    if (left > 0) this.#problem('journal ended with frames unwritten', new Error(`${left} bytes`))
    this.#clearRetry()
    this.#groups?.end()
    this.#segments.close()
    if (this.#watch) clearInterval(this.#watch)
    this.#drained()
    this.#drained = null
  }

  #clearRetry() {
    if (this.#retry) clearTimeout(this.#retry)
    this.#retry = null
  }

  #pending(): number {
    return this.#collecting.bytes + (this.#inFlight?.bytes ?? 0) + (this.#retained?.length ?? 0)
  }

  #fresh(): Batch {
    const batch = this.#spare ?? new Batch(this.#salt)
    this.#spare = null
    return batch
  }
}

const firstRetryMs = 100
const lastRetryMs = 5_000

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }
