import type { DiskUse } from '../journal/disk-budget.ts'
import { given } from '../lib/given.ts'
import { KeptThread } from '../lib/kept-thread.ts'
import type { Log } from '../lib/log.ts'
import type { ConnectionEvent } from '../records/connection-log.ts'
import type { Purge, PurgeWish } from '../records/purge.ts'
import { GivingWay } from './giving-way.ts'
import { emptyStatus, type RecorderStatus } from './recorder-status.ts'

export interface RecorderThreadOptions {
  dataDir: string
  /** Epochs that are being written now. */
  liveEpochs: readonly string[]
  /** One Int32 that the journal's writer counts up, and notifies, after each write. */
  wake: SharedArrayBuffer
  /** One Int32 that the thread counts up, and notifies, after records were stored. */
  stored?: SharedArrayBuffer
  pepper: string
  bodyLimitBytes: number
  /** A price list of the operator's own, or null. */
  pricesFile: string | null
  /** Readable names of projects, by id. */
  projectNames: Readonly<Record<string, string>>
  upkeep: UpkeepData
  log: Log
  /** Told each second what the data directory takes of the disk. */
  disk?: (use: DiskUse) => void
  /** Told when the embedded database is another file than before: who has the old one open must open it again. */
  replaced?: () => void
  /** The thread's entry. */
  entry?: URL
  /** First wait before a thread that died is started again; doubles with each death. */
  restartMs?: number
  /** A thread that says nothing for so long is ended and started again. */
  silenceMs?: number
}

/** How the data directory is kept tidy. */
export interface UpkeepData {
  /** Days that things are kept; 0: for ever. */
  days: Readonly<Record<'bodies' | 'words' | 'records' | 'rollups' | 'connectionLogs' | 'metrics', number>>
  /** Null: half of the other. */
  databaseLimitBytes: number | null
  journalLimitBytes: number
  /** Names of the sinks that records are delivered to: what they have not taken is kept. */
  sinks: readonly string[]
  csvDirectory: string
}

/** What the thread is started with. */
export type RecorderData = Omit<
  RecorderThreadOptions,
  'log' | 'disk' | 'replaced' | 'entry' | 'restartMs' | 'silenceMs'
> & {
  /** Epochs of this run that are not written any more. */
  pastEpochs: readonly string[]
  /** The thread lets the one that serves go first (`GivingWay`). */
  givesWay: boolean
  careful: boolean
}

export type ToRecorder =
  /** Other epochs are written now. */
  | { type: 'live'; epochs: readonly string[] }
  | { type: 'give way' }
  | { type: 'status' }
  | { type: 'stop' }
  | { type: 'note'; event: ConnectionEvent }
  | { type: 'purge'; wish: PurgeWish }
  /** Somebody found the embedded database damaged. */
  | { type: 'replace'; file: string; reason: string }
export type FromRecorder =
  | { type: 'ready' }
  | { type: 'status'; status: RecorderStatus; asked: boolean }
  /** `lagBytes`: what the journal holds that was not read. */
  | { type: 'disk'; use: DiskUse; lagBytes: number }
  | { type: 'purge'; purge: Purge | null; error: unknown }
  /** The embedded database was put aside; a new one begins. */
  | { type: 'replaced' }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; message: string; fields: object | undefined }

export interface RecorderHandle {
  /** There is something to read. */
  wake(): void
  /** Counts since this process began, over all deaths of the thread. */
  status(): Promise<RecorderStatus>
  /** Keeps an event of this instance beside the records. */
  note(event: ConnectionEvent): void
  /** Other epochs are written now: those that are missing have no writer any more. */
  live(epochs: readonly string[]): void
  /** Resolves once the purge is written down: it is carried out whatever happens. */
  purge(wish: PurgeWish): Promise<Purge>
  /** Somebody found the embedded database damaged: it is put aside for a new one. */
  replace(damage: { file: string; reason: string }): void
  alive(): boolean
  onDeath(listener: (error: Error) => void): void
  /**
   * Lets the thread read what is in the journal to its end; at the deadline, or soon after `hurry` resolves, it is ended, and
   * the journal keeps the rest.
   */
  stop(deadlineMs: number, hurry?: Promise<unknown>): Promise<void>
}

/** Starts the recorder's thread and keeps it running. Throws when its first start fails. */
export async function startRecorder(options: RecorderThreadOptions): Promise<RecorderHandle> {
  const thread = new RecorderThread(options)
  await thread.begin()
  return thread
}

class RecorderThread implements RecorderHandle {
  #options: RecorderThreadOptions
  #thread: KeptThread<ToRecorder, FromRecorder>
  #last: RecorderStatus = emptyStatus
  /** What threads that died had finished. */
  #before: RecorderStatus = emptyStatus
  #asking: ((status: RecorderStatus) => void)[] = []
  /** Asked for and not yet answered, in their order. */
  #purging: { resolve(purge: Purge): void; reject(error: unknown): void }[] = []
  #deathListeners: ((error: Error) => void)[] = []
  #replaced = false
  #live: readonly string[]
  #past: string[] = []
  #way: GivingWay

  constructor(options: RecorderThreadOptions) {
    const { log, disk: _disk, replaced: _replaced, entry, restartMs, silenceMs, ...rest } = options
    this.#options = options
    this.#live = options.liveEpochs
    this.#way = new GivingWay(options.upkeep.journalLimitBytes)
    this.#thread = new KeptThread({
      name: 'recorder',
      entry: entry ?? recorderEntry(),
      // a thread that put a damaged database aside died of no exchange
      workerData: (again): RecorderData => ({
        ...rest,
        liveEpochs: this.#live,
        pastEpochs: this.#past,
        givesWay: this.#way.isGivingWay,
        careful: again && !this.#replaced,
      }),
      log,
      meanwhile: 'the journal keeps everything',
      ping: () => this.#send({ type: 'status' }),
      told: (message) => this.#take(message),
      gone: () => this.#gone(),
      died: (error) => {
        for (const listener of this.#deathListeners) listener(error)
      },
      ...given({ restartMs, silenceMs }),
    })
  }

  begin(): Promise<void> {
    return this.#thread.begin()
  }

  wake() {
    const counter = new Int32Array(this.#options.wake)
    Atomics.add(counter, 0, 1)
    Atomics.notify(counter, 0)
  }

  note(event: ConnectionEvent) {
    this.#send({ type: 'note', event })
  }

  live(epochs: readonly string[]) {
    this.#past.push(...this.#live.filter((epoch) => !epochs.includes(epoch)))
    this.#live = epochs
    this.#send({ type: 'live', epochs })
  }

  async purge(wish: PurgeWish): Promise<Purge> {
    if (!this.#thread.alive()) throw new Error('the recorder is being started again')
    return new Promise((resolve, reject) => {
      this.#purging.push({ resolve, reject })
      this.#send({ type: 'purge', wish })
    })
  }

  replace({ file, reason }: { file: string; reason: string }) {
    this.#send({ type: 'replace', file, reason })
  }

  alive(): boolean {
    return this.#thread.alive()
  }

  onDeath(listener: (error: Error) => void) {
    this.#deathListeners.push(listener)
  }

  async status(): Promise<RecorderStatus> {
    if (!this.#thread.alive()) return this.#total()
    await new Promise<unknown>((resolve) => {
      this.#asking.push(resolve)
      this.#send({ type: 'status' })
      setTimeout(resolve, answerMs, null).unref()
    })
    return this.#total()
  }

  stop(deadlineMs: number, hurry?: Promise<unknown>): Promise<void> {
    const stopped = this.#thread.stop({ type: 'stop' }, deadlineMs, hurry)
    this.wake()
    return stopped
  }

  #take(message: FromRecorder) {
    if (message.type === 'log') this.#options.log[message.level](message.message, message.fields)
    if (message.type === 'disk') {
      this.#options.disk?.(message.use)
      this.#pace(message.lagBytes)
    }
    if (message.type === 'purge') {
      const asking = this.#purging.shift()
      if (message.purge === null) asking?.reject(message.error)
      else asking?.resolve(message.purge)
    }
    if (message.type === 'replaced') this.#replaced = true
    if (message.type === 'ready' && this.#replaced) {
      this.#replaced = false
      this.#options.replaced?.()
    }
    if (message.type !== 'status') return
    this.#last = message.status
    if (message.asked) this.#asking.shift()?.(message.status)
  }

  #pace(lagBytes: number) {
    const change = this.#way.looked(lagBytes, performance.now())
    if (change === null) return
    this.#options.log.info(
      change === 'urge'
        ? 'the recorder is far behind: it no longer gives way to calls'
        : 'the recorder has kept up for a while: it gives way to calls again',
      { lagBytes },
    )
    // a lowered priority is not raised again without rights, but a new thread begins with the usual one
    if (change === 'urge') this.#thread.renew()
    else this.#send({ type: 'give way' })
  }

  #gone() {
    if (this.#replaced)
      this.#before = emptyStatus // what the journal holds is read, and counted, again
    else {
      const { pending, acceptedLive } = this.#last
      const total = this.#total()
      this.#before = {
        ...total,
        pending: 0,
        accepted: total.accepted - pending,
        acceptedLive: total.acceptedLive - Math.min(pending, acceptedLive),
      }
    }
    this.#last = emptyStatus
    for (const answer of this.#asking.splice(0)) answer(emptyStatus)
    for (const { reject } of this.#purging.splice(0)) reject(new Error('the recorder died'))
  }

  #total(): RecorderStatus {
    const [now, before] = [this.#last, this.#before]
    return {
      ...now,
      accepted: before.accepted + now.accepted,
      acceptedLive: before.acceptedLive + now.acceptedLive,
      stored: before.stored + now.stored,
      storedRaw: before.storedRaw + now.storedRaw,
      failed: before.failed + now.failed,
      purged: before.purged + now.purged,
      damaged: before.damaged + now.damaged,
    }
  }

  #send(message: ToRecorder) {
    this.#thread.send(message)
    this.wake()
  }
}

function recorderEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../recorder.${extension}`, import.meta.url)
}

const answerMs = 1_000
