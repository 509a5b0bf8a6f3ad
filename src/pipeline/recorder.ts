import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Damage, EpochReader, refuseNewer } from '../journal/reader.ts'
import { listEpochs, listSegments, segmentPath } from '../journal/segments.ts'
import type { Exchange } from '../records/exchange.ts'
import { Assembler, nothing, type Tracked } from './assemble.ts'
import { type Attempts, openAttempts } from './attempts.ts'
import { type CommitParts, commitReady, type Ready, StoreAway } from './commit.ts'
import { LiveSync } from './live-sync.ts'
import type { LocalStore } from './local-store.ts'
import { makeRecord, type RecordSource } from './make-record.ts'
import type { RecorderStatus } from './recorder-status.ts'

export interface RecorderOptions extends RecordSource {
  journalDir: string
  /** Epochs that are still being written. All others are dead: what is open in them was interrupted. */
  liveEpochs: readonly string[]
  store: LocalStore
  log: { warn(message: string, fields?: object): void; error(message: string, fields?: object): void }
  /** Resolves when the journal grew, or after so long. Without it, `run` looks again after each gathering. */
  grown?: (ms: number) => Promise<unknown>
  /** Told after each commit. */
  published?: (status: RecorderStatus) => void
  /** The recorder died before: exchanges are taken one at a time, and one that kills it again and again is kept raw. */
  careful?: boolean
  /** At most so many exchanges, and bytes of them, are worked on at a time. */
  concurrency?: number
  workingBytes?: number
  batchRecords?: number
  /** How long frames gather before they are read. */
  gatherMs?: number
  /** How often the live segments are made safe against power loss. */
  syncMs?: number
  /** Exchanges open over more segments are carried forward. */
  carryAfterSegments?: number
  chunkBytes?: number
}

export interface Recorder {
  /** Reads one chunk of each open epoch and stores what it finished. False: there was nothing to read. */
  step(): Promise<boolean>
  /** Steps until `stop`, then reads what is there to its end. */
  run(): Promise<void>
  stop(): void
  status(): RecorderStatus
}

interface Epoch {
  reader: EpochReader
  assembler: Assembler
  live: boolean
  /** The first segment that may still be there. */
  firstSegment: number
}

/** Reads the journal, dead epochs first, and stores a record of every exchange in it, each exactly once. */
export function createRecorder(options: RecorderOptions): Recorder {
  return new JournalRecorder(options)
}

class JournalRecorder implements Recorder {
  #options: RecorderOptions
  #dead: string[]
  #epochs: Epoch[] = []
  #counts = { accepted: 0, acceptedLive: 0, stored: 0, storedRaw: 0, failed: 0, damaged: 0 }
  #sync: LiveSync
  #attempts: Attempts
  #careful: boolean
  #stopping = false
  #interrupt: (() => void) | null = null

  constructor(options: RecorderOptions) {
    this.#options = options
    const { journalDir, liveEpochs, store, log } = options
    const finished = new Set(store.journalState().finishedEpochs)
    const there = listEpochs(journalDir)
    for (const epoch of there) refuseNewer(journalDir, epoch)
    for (const epoch of there) if (finished.has(epoch)) this.#remove(epoch)
    this.#dead = there.filter((epoch) => !finished.has(epoch) && !liveEpochs.includes(epoch))
    this.#sync = new LiveSync(journalDir, (error) => log.warn('the journal could not be synced', { error }))
    this.#attempts = openAttempts(journalDir)
    this.#careful = options.careful ?? false
    if (!this.#careful) this.#attempts.clear()
    this.#enter()
  }

  async step(): Promise<boolean> {
    let progress = false
    for (const epoch of [...this.#epochs]) progress = (await this.#stepIn(epoch)) || progress
    return progress
  }

  async run() {
    const { gatherMs = 20, grown, syncMs = 450 } = this.#options
    const sync = setInterval(() => this.#sync.sync(this.#options.liveEpochs), syncMs)
    try {
      for (;;) {
        const stopping = this.#stopping
        if (await this.step()) await turn()
        else if (stopping) break
        else {
          if (this.#careful) this.#calm()
          if (grown) await this.#pause(idleMs, grown(idleMs))
          await this.#pause(gatherMs)
        }
      }
      await this.#insist(() => this.#options.store.checkpoint())
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error
      this.#options.log.warn('the database is away; the journal keeps the rest', { error: error.cause })
    } finally {
      clearInterval(sync)
      for (const { reader } of this.#epochs) reader.close()
    }
  }

  stop() {
    this.#stopping = true
    this.#interrupt?.()
  }

  status(): RecorderStatus {
    const status: RecorderStatus = { ...this.#counts, pending: 0, lagBytes: 0, position: [] }
    for (const { reader, assembler } of this.#epochs) {
      status.accepted += assembler.accepted
      if (this.#options.liveEpochs.includes(assembler.epoch)) status.acceptedLive += assembler.accepted
      status.damaged += assembler.damaged
      status.pending += assembler.open.size
      status.lagBytes += reader.lag()
      status.position = [...status.position, assembler.committed]
    }
    for (const epoch of this.#dead) {
      for (const segment of listSegments(this.#options.journalDir, epoch)) {
        status.lagBytes += statSync(segmentPath(this.#options.journalDir, epoch, segment)).size
      }
    }
    return status
  }

  /** The next dead epoch alone; after the last of them all live ones. */
  #enter() {
    const dead = this.#dead.shift()
    const epochs = dead === undefined ? this.#options.liveEpochs : [dead]
    const { journalDir, store, log, chunkBytes } = this.#options
    const { positions, applied } = store.journalState()
    this.#epochs = epochs.map((epoch) => {
      const from = positions.find((position) => position.epoch === epoch)
      const damage = (what: Damage) => {
        this.#counts.damaged++
        log.warn('a part of the journal cannot be read', { epoch, ...what })
      }
      const reader = new EpochReader({
        dir: journalDir,
        epoch,
        damage,
        ...(from && { from }),
        ...(chunkBytes !== undefined && { chunkBytes }),
      })
      const assembler = new Assembler(reader, store, applied)
      return { reader, assembler, live: dead === undefined, firstSegment: from?.segment ?? 1 }
    })
  }

  async #stepIn(epoch: Epoch): Promise<boolean> {
    const { reader, assembler } = epoch
    const { frames, ended } = reader.read(epoch.live)
    const finished: Tracked[] = []
    for (const placed of frames) {
      if (placed.frame.type === 'end') epoch.live = false
      const tracked = assembler.take(placed)
      if (tracked) finished.push(tracked)
    }
    if (ended) finished.push(...assembler.open.values())
    await this.#record(epoch, finished)
    await this.#insist(() => assembler.carry(this.#options.carryAfterSegments ?? 2))
    if (reader.position.segment > assembler.committed.segment) await this.#commit(epoch, [])
    if (ended) await this.#finish(epoch)
    else this.#sweep(epoch)
    return frames.length > 0 || ended
  }

  async #record(epoch: Epoch, finished: readonly Tracked[]) {
    const { concurrency = 8, workingBytes = 64 * 1024 * 1024, batchRecords = 500 } = this.#options
    const working = new Set<Promise<void>>()
    let bytes = 0
    let ready: Ready[] = []
    let readyBytes = 0
    for (const tracked of finished) {
      const limit = this.#careful ? 1 : concurrency
      while (working.size >= limit || (working.size > 0 && bytes + tracked.bytes > workingBytes)) {
        await Promise.race(working)
      }
      if (ready.length >= batchRecords || readyBytes > batchBytes) {
        const batch = ready
        ready = []
        readyBytes = 0
        await this.#commit(epoch, batch)
      }
      bytes += tracked.bytes
      const work = this.#ready(epoch, tracked).then((one) => {
        ready.push(one)
        readyBytes += sizeOf(one)
        bytes -= tracked.bytes
        working.delete(work)
      })
      work.catch(() => {}) // whoever waits for it below is told
      working.add(work)
    }
    await Promise.all(working)
    if (ready.length > 0) await this.#commit(epoch, ready)
  }

  async #ready({ assembler }: Epoch, tracked: Tracked): Promise<Ready> {
    const { log } = this.#options
    const unknown = { tracked, record: null, id: `${assembler.epoch}/${tracked.exchange}`, raw: false }
    const exchange = assembler.build(tracked)
    if (!exchange) return this.#giveUp(assembler, unknown, new Error('the frames do not make an exchange'))
    const { id } = exchange.open
    try {
      const deaths = this.#careful ? this.#attempts.begin(assembler.epoch, tracked.exchange) : 0
      if (deaths >= deathsAllowed) throw new Error(`the recorder died ${deaths} times while it worked on this exchange`)
      const { record, error } = await makeRecord(exchange, this.#options)
      if (error) log.warn('an exchange could not be decoded and is kept raw', { id, error })
      return { tracked, record, id, raw: error !== null }
    } catch (error) {
      return this.#raw(assembler, { ...unknown, id }, exchange, error)
    }
  }

  async #raw(assembler: Assembler, ready: Ready, exchange: Exchange, error: unknown): Promise<Ready> {
    try {
      return { ...ready, record: this.#options.rawRecord(exchange, error), raw: true }
    } catch (failure) {
      return this.#giveUp(assembler, ready, failure)
    }
  }

  /** Puts the frames aside, for people, and lets the exchange go. */
  async #giveUp(assembler: Assembler, ready: Ready, error: unknown): Promise<Ready> {
    const { journalDir, log } = this.#options
    const dir = join(journalDir, 'quarantine')
    const file = join(dir, `${assembler.epoch}-${ready.tracked.exchange}.frames`)
    await this.#insist(() => {
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      writeFileSync(file, Buffer.concat([...assembler.rawFrames(ready.tracked)]), { mode: 0o600 })
    })
    log.error('an exchange could not be stored: its frames were put aside', { id: ready.id, file, error })
    return { ...ready, record: null }
  }

  async #commit(epoch: Epoch, ready: readonly Ready[]) {
    const { assembler } = epoch
    const parts: CommitParts = {
      store: this.#options.store,
      plainer: async (one, error) => {
        const exchange = one.raw ? null : assembler.build(one.tracked)
        return exchange ? this.#raw(assembler, one, exchange, error) : this.#giveUp(assembler, one, error)
      },
      patience: (attempt, error) => this.#patience(attempt, error),
      stored: (done) => {
        const records = done.filter(({ record }) => record !== null)
        this.#counts.stored += records.length
        this.#counts.storedRaw += records.filter(({ raw }) => raw).length
        this.#counts.failed += done.length - records.length
      },
    }
    await commitReady(assembler, ready, parts)
    this.#options.published?.(this.status())
  }

  /** Deletes the segments that nothing needs any more, once the database is safe without them. */
  #sweep(epoch: Epoch) {
    const { journalDir, store, log } = this.#options
    const { epoch: name, segment: needed } = epoch.assembler.committed
    if (needed <= epoch.firstSegment) return
    try {
      store.checkpoint()
      epoch.reader.forget(needed)
      for (const segment of listSegments(journalDir, name)) {
        if (segment < needed) rmSync(segmentPath(journalDir, name, segment), { force: true })
      }
      epoch.firstSegment = needed
    } catch (error) {
      log.warn('old segments of the journal could not be deleted', { epoch: name, error })
    }
  }

  async #finish(epoch: Epoch) {
    const { store } = this.#options
    const { epoch: name, accepted, damaged } = epoch.assembler
    await this.#insist(() => store.commit({ ...nothing, finishedEpochs: [name] }))
    await this.#insist(() => store.checkpoint())
    epoch.reader.close()
    this.#remove(name)
    this.#counts.accepted += accepted
    if (this.#options.liveEpochs.includes(name)) this.#counts.acceptedLive += accepted
    this.#counts.damaged += damaged
    this.#epochs = this.#epochs.filter((other) => other !== epoch)
    if (this.#dead.length > 0 || !this.#options.liveEpochs.includes(name)) this.#enter()
    this.#options.published?.(this.status())
  }

  #remove(epoch: string) {
    rmSync(join(this.#options.journalDir, epoch), { recursive: true, force: true })
  }

  /** Until it works, or the recorder is to stop. */
  async #insist(action: () => void) {
    for (let attempt = 1; ; attempt++) {
      try {
        return action()
      } catch (error) {
        if (!(await this.#patience(attempt, error))) throw new StoreAway('the disk takes nothing', { cause: error })
      }
    }
  }

  async #patience(attempt: number, error: unknown): Promise<boolean> {
    if (this.#stopping) return false
    if (attempt === 1) this.#options.log.warn('the database cannot be written; trying again', { error })
    await this.#pause(Math.min(50 * 2 ** attempt, lastPatienceMs))
    return true
  }

  #calm() {
    this.#careful = false
    this.#attempts.clear()
  }

  #pause(ms: number, sooner?: Promise<unknown>): Promise<void> {
    if (this.#stopping) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#interrupt = null
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#interrupt = done
      sooner?.then(done)
    })
  }
}

const sizeOf = ({ record }: Ready): number =>
  (record?.requestBytes?.length ?? 0) + (record?.responseBytes?.length ?? 0) + (record?.chunkTimes?.length ?? 0)

const batchBytes = 16 * 1024 * 1024
const deathsAllowed = 2
const idleMs = 1_000
const lastPatienceMs = 5_000
