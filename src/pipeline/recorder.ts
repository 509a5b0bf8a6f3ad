import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Damage, EpochReader } from '../journal/reader.ts'
import { listEpochs, listSegments, refuseNewer, segmentPath, segmentSize } from '../journal/segments.ts'
import { Assembler, nothing, type Tracked } from './assemble.ts'
import { openAttempts } from './attempts.ts'
import type { Ready } from './commit.ts'
import { commitBatch, type FinishedParts, recordFinished } from './finished.ts'
import { LiveSync } from './live-sync.ts'
import { type LocalStore, StoreDamaged } from './local-store.ts'
import type { RecordSource } from './make-record.ts'
import { Patience, StoreAway } from './patience.ts'
import type { RecorderStatus } from './recorder-status.ts'

export interface RecorderOptions extends RecordSource {
  journalDir: string
  /** Epochs that are being written now. All others are dead: what is open in them was interrupted. */
  liveEpochs: readonly string[]
  /** Others that this run of the program began, and that are dead already. */
  pastEpochs?: readonly string[]
  store: LocalStore
  log: { warn(message: string, fields?: object): void; error(message: string, fields?: object): void }
  /** Resolves when the journal grew, or after so long. Without it, `run` looks again after each gathering. */
  grown?: (ms: number) => Promise<unknown>
  /** Told after each commit; its `lagBytes` are those of the last `status`. */
  published?: (status: RecorderStatus) => void
  /** Called between two exchanges: it may hold the thread for a moment, to let others work. */
  pause?: () => void
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
  /** Other epochs are written now: those that are missing have no writer any more. */
  live(epochs: readonly string[]): void
  stop(): void
  /** Lets go of the files, for whoever steps; `run` does so by itself. */
  close(): void
  status(): RecorderStatus
}

interface Epoch {
  reader: EpochReader
  assembler: Assembler
  live: boolean
  /** The first segment that may still be there. */
  firstSegment: number
  /** Live, unknown to the database, and its beginning is gone: an earlier database has what stood there. */
  begunElsewhere: boolean
}

/** Reads the journal, dead epochs first, and stores a record of every exchange in it, each exactly once. */
export function createRecorder(options: RecorderOptions): Recorder {
  return new JournalRecorder(options)
}

class JournalRecorder implements Recorder {
  #options: RecorderOptions
  #live: readonly string[]
  /** All that this run of the program began. */
  #own: Set<string>
  #dead: string[]
  #isReadingDead = false
  #epochs: Epoch[] = []
  #counts = { accepted: 0, acceptedLive: 0, stored: 0, storedRaw: 0, failed: 0, purged: 0, damaged: 0 }
  #lagBytes = 0
  #sync: LiveSync
  #patience: Patience
  #parts: FinishedParts

  constructor(options: RecorderOptions) {
    this.#options = options
    const { journalDir, liveEpochs, pastEpochs = [], store, log } = options
    this.#live = liveEpochs
    this.#own = new Set([...liveEpochs, ...pastEpochs])
    const finished = new Set(store.journalState().finishedEpochs)
    const there = listEpochs(journalDir)
    for (const epoch of there) refuseNewer(journalDir, epoch)
    for (const epoch of there) if (finished.has(epoch)) this.#remove(epoch)
    this.#dead = there.filter((epoch) => !finished.has(epoch) && !liveEpochs.includes(epoch))
    this.#sync = new LiveSync(journalDir, (error) => log.warn('the journal could not be synced', { error }))
    this.#patience = new Patience((error) => log.warn('the records cannot be written; trying again', { error }))
    const attempts = openAttempts(journalDir)
    if (!options.careful) attempts.clear()
    this.#parts = {
      ...options,
      concurrency: options.concurrency ?? 8,
      workingBytes: options.workingBytes ?? 64 * 1024 * 1024,
      batchRecords: options.batchRecords ?? 500,
      patience: this.#patience,
      careful: options.careful ? attempts : null,
      commit: {
        store,
        again: (attempt, error) => this.#patience.again(attempt, error),
        stored: (ready, purged) => this.#stored(ready, purged),
      },
      published: () => options.published?.(this.#counted()),
    }
    this.#enter()
  }

  async step(): Promise<boolean> {
    let progress = false
    for (const epoch of [...this.#epochs]) progress = (await this.#stepIn(epoch)) || progress
    return progress
  }

  async run() {
    const { gatherMs = 20, grown, syncMs = 450 } = this.#options
    const sync = setInterval(() => this.#sync.sync(this.#live), syncMs)
    try {
      for (;;) {
        const { stopping } = this.#patience
        if (await this.step()) await turn()
        else if (stopping) break
        else {
          this.#parts.careful?.clear() // everything was read: nothing is suspected any more
          this.#parts.careful = null
          if (grown) await this.#patience.pause(idleMs, grown(idleMs))
          await this.#patience.pause(gatherMs)
        }
      }
      await this.#patience.insist(() => this.#options.store.checkpoint())
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error
      this.#options.log.warn('stopped while records could not be written; the journal keeps the rest', {
        error: error.cause,
      })
    } finally {
      clearInterval(sync)
      this.close()
    }
  }

  close() {
    for (const { reader } of this.#epochs) reader.close()
  }

  live(epochs: readonly string[]) {
    const left = this.#live.filter((epoch) => !epochs.includes(epoch))
    const fresh = epochs.filter((epoch) => !this.#live.includes(epoch))
    this.#live = epochs
    for (const epoch of epochs) this.#own.add(epoch)
    this.#dead = this.#dead.filter((epoch) => !epochs.includes(epoch))
    for (const name of left) {
      const epoch = this.#epochs.find(({ assembler }) => assembler.epoch === name)
      if (epoch) epoch.live = false
      else if (listEpochs(this.#options.journalDir).includes(name)) this.#dead.push(name) // not come to yet
    }
    if (!this.#isReadingDead) this.#epochs.push(...this.#opened(fresh, true))
  }

  stop() {
    this.#patience.stop()
  }

  status(): RecorderStatus {
    this.#lagBytes = 0
    for (const { reader } of this.#epochs) this.#lagBytes += reader.lag()
    const { journalDir } = this.#options
    for (const epoch of this.#dead) {
      for (const segment of listSegments(journalDir, epoch)) this.#lagBytes += segmentSize(journalDir, epoch, segment)
    }
    return this.#counted()
  }

  #counted(): RecorderStatus {
    const status: RecorderStatus = { ...this.#counts, pending: 0, lagBytes: this.#lagBytes, position: [] }
    for (const { assembler } of this.#epochs) {
      status.accepted += assembler.accepted
      if (this.#own.has(assembler.epoch)) status.acceptedLive += assembler.accepted
      status.damaged += assembler.damaged
      status.pending += assembler.open.size
      status.position = [...status.position, assembler.committed]
    }
    return status
  }

  /** The next dead epoch alone; after the last of them all live ones. */
  #enter() {
    const dead = this.#dead.shift()
    this.#isReadingDead = dead !== undefined
    this.#epochs = this.#opened(dead === undefined ? this.#live : [dead], dead === undefined)
  }

  #opened(epochs: readonly string[], live: boolean): Epoch[] {
    const { journalDir, store, log, chunkBytes } = this.#options
    const { positions, applied } = store.journalState()
    return epochs.map((epoch) => {
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
      const [first = 1] = listSegments(journalDir, epoch)
      const begunElsewhere = live && from === undefined && first > 1
      return { reader, assembler, live, firstSegment: from?.segment ?? first, begunElsewhere }
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
    if (epoch.begunElsewhere) this.#countElsewhere(epoch)
    if (ended) finished.push(...assembler.open.values())
    await recordFinished(assembler, finished, this.#parts)
    await this.#patience.insist(() => assembler.carry(this.#options.carryAfterSegments ?? 2))
    if (assembler.safeSegment() > assembler.committed.segment) await commitBatch(assembler, [], this.#parts)
    if (ended) await this.#finish(epoch)
    else this.#sweep(epoch)
    return frames.length > 0 || ended
  }

  /** Calls before the first that is still in the journal were stored in the database that was set aside. */
  #countElsewhere(epoch: Epoch) {
    const { assembler } = epoch
    if (assembler.firstBegun === 0) return
    epoch.begunElsewhere = false
    assembler.accepted += assembler.firstBegun - 1
    this.#counts.stored += assembler.firstBegun - 1
  }

  #stored(ready: readonly Ready[], purged: readonly Ready[]) {
    const records = ready.filter(({ record }) => record !== null)
    this.#counts.stored += records.length
    this.#counts.storedRaw += records.filter(({ raw }) => raw).length
    this.#counts.failed += ready.length - records.length
    this.#counts.purged += purged.length
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
      if (error instanceof StoreDamaged) throw error
      log.warn('old segments of the journal could not be deleted', { epoch: name, error })
    }
  }

  async #finish(epoch: Epoch) {
    const { store } = this.#options
    const { epoch: name, accepted, damaged } = epoch.assembler
    await this.#patience.insist(() => store.commit({ ...nothing, finishedEpochs: [name] }))
    await this.#patience.insist(() => store.checkpoint())
    epoch.reader.close()
    this.#remove(name)
    this.#counts.accepted += accepted
    if (this.#own.has(name)) this.#counts.acceptedLive += accepted
    this.#counts.damaged += damaged
    this.#epochs = this.#epochs.filter((other) => other !== epoch)
    if (this.#isReadingDead) this.#enter()
    this.#parts.published()
  }

  #remove(epoch: string) {
    rmSync(join(this.#options.journalDir, epoch), { recursive: true, force: true })
  }
}

const idleMs = 1_000
