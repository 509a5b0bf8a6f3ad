import { Worker } from 'node:worker_threads'
import type { Log } from '../lib/log.ts'
import { emptyStatus, type RecorderStatus } from './recorder-status.ts'

export interface RecorderThreadOptions {
  dataDir: string
  /** Epochs that this process is writing. */
  liveEpochs: readonly string[]
  /** One Int32 that the journal's writer counts up, and notifies, after each write. */
  wake: SharedArrayBuffer
  pepper: string
  bodyLimitBytes: number
  /** A price list of the operator's own, or null. */
  pricesFile: string | null
  /** Readable names of projects, by id. */
  projectNames: Readonly<Record<string, string>>
  log: Log
  /** The thread's entry. */
  entry?: URL
  /** First wait before a thread that died is started again; doubles with each death. */
  restartMs?: number
  /** A thread that says nothing for so long is ended and started again. */
  silenceMs?: number
}

/** What the thread is started with. */
export type RecorderData = Omit<RecorderThreadOptions, 'log' | 'entry' | 'restartMs' | 'silenceMs'> & {
  careful: boolean
}

export type ToRecorder = { type: 'status' } | { type: 'stop' }
export type FromRecorder =
  | { type: 'ready' }
  | { type: 'status'; status: RecorderStatus; asked: boolean }
  | { type: 'log'; level: 'warn' | 'error'; message: string; fields: object | undefined }

export interface RecorderHandle {
  /** There is something to read. */
  wake(): void
  /** Counts since this process began, over all deaths of the thread. */
  status(): Promise<RecorderStatus>
  alive(): boolean
  onDeath(listener: (error: Error) => void): void
  /** Lets the thread read what is in the journal to its end; at the deadline it is ended, and the journal keeps the rest. */
  stop(deadlineMs: number): Promise<void>
}

/** Starts the recorder's thread and keeps it running. Throws when its first start fails. */
export async function startRecorder(options: RecorderThreadOptions): Promise<RecorderHandle> {
  const thread = new RecorderThread(options)
  await thread.begin()
  return thread
}

class RecorderThread implements RecorderHandle {
  #options: RecorderThreadOptions
  #worker: Worker | null = null
  #ready = false
  #stopping = false
  #deaths = 0
  #restart: NodeJS.Timeout | null = null
  #watch: NodeJS.Timeout
  #heardMs = 0
  #last: RecorderStatus = emptyStatus
  /** What threads that died had finished. */
  #before: RecorderStatus = emptyStatus
  #asking: ((status: RecorderStatus) => void)[] = []
  #deathListeners: ((error: Error) => void)[] = []

  constructor(options: RecorderThreadOptions) {
    this.#options = options
    const silenceMs = options.silenceMs ?? 120_000
    this.#watch = setInterval(() => this.#listen(silenceMs), silenceMs / 4)
    this.#watch.unref()
  }

  async begin() {
    try {
      await this.#start(false)
    } catch (error) {
      clearInterval(this.#watch)
      throw error
    }
  }

  wake() {
    const counter = new Int32Array(this.#options.wake)
    Atomics.add(counter, 0, 1)
    Atomics.notify(counter, 0)
  }

  alive(): boolean {
    return this.#ready
  }

  onDeath(listener: (error: Error) => void) {
    this.#deathListeners.push(listener)
  }

  async status(): Promise<RecorderStatus> {
    if (!this.#ready) return this.#total()
    await new Promise<unknown>((resolve) => {
      this.#asking.push(resolve)
      this.#send({ type: 'status' })
      setTimeout(resolve, answerMs, null).unref()
    })
    return this.#total()
  }

  async stop(deadlineMs: number) {
    if (this.#stopping) return
    this.#stopping = true
    clearInterval(this.#watch)
    if (this.#restart) clearTimeout(this.#restart)
    const worker = this.#worker
    if (!worker) return
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(() => {
        this.#options.log.warn('the recorder was ended at its deadline; the journal keeps the rest', { deadlineMs })
        worker.terminate()
      }, deadlineMs)
      worker.once('exit', () => {
        clearTimeout(deadline)
        resolve()
      })
      this.#send({ type: 'stop' })
    })
  }

  #start(careful: boolean): Promise<void> {
    const { log: _log, entry, restartMs: _restart, silenceMs: _silence, ...rest } = this.#options
    const workerData: RecorderData = { ...rest, careful }
    const worker = new Worker(entry ?? recorderEntry(), { workerData, name: 'recorder' })
    this.#worker = worker
    this.#heardMs = performance.now()
    return new Promise((resolve, reject) => {
      let failure: Error | null = null
      worker.on('message', (message: FromRecorder) => {
        if (message.type === 'ready') {
          this.#ready = true
          resolve()
        }
        this.#take(message)
      })
      worker.on('error', (error) => {
        failure = error instanceof Error ? error : new Error(String(error))
      })
      worker.on('exit', (code) => {
        const wasReady = this.#ready
        const error = failure ?? new Error(`the recorder's thread ended with code ${code}`)
        this.#gone()
        if (wasReady || this.#deaths > 0) this.#died(error)
        reject(error)
      })
    })
  }

  #take(message: FromRecorder) {
    this.#heardMs = performance.now()
    if (message.type === 'log') this.#options.log[message.level](message.message, message.fields)
    if (message.type !== 'status') return
    this.#last = message.status
    if (message.asked) this.#asking.shift()?.(message.status)
  }

  #gone() {
    this.#worker = null
    this.#ready = false
    this.#before = { ...this.#total(), pending: 0 }
    this.#before.accepted -= this.#last.pending
    this.#before.acceptedLive -= Math.min(this.#last.pending, this.#last.acceptedLive)
    this.#last = emptyStatus
    for (const answer of this.#asking.splice(0)) answer(emptyStatus)
  }

  #died(error: Error) {
    if (this.#stopping) return
    const { log, restartMs = 100 } = this.#options
    const waitMs = Math.min(restartMs * 2 ** Math.min(this.#deaths, 10), lastRestartMs)
    this.#deaths++
    log.error('the recorder died and is started again; the journal keeps everything', { error, waitMs })
    for (const listener of this.#deathListeners) listener(error)
    this.#restart = setTimeout(() => {
      this.#start(true).catch(() => {}) // its exit starts it again
    }, waitMs)
  }

  /** Ends a thread that has not answered for long: what it was busy with is treated as what killed it. */
  #listen(silenceMs: number) {
    if (!this.#worker || !this.#ready) return
    if (performance.now() - this.#heardMs <= silenceMs) this.#send({ type: 'status' })
    else {
      this.#options.log.error('the recorder does not answer and is ended', { silenceMs })
      this.#worker.terminate()
    }
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
      damaged: before.damaged + now.damaged,
    }
  }

  #send(message: ToRecorder) {
    this.#worker?.postMessage(message)
    this.wake()
  }
}

function recorderEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../recorder.${extension}`, import.meta.url)
}

const answerMs = 1_000
const lastRestartMs = 10_000
