import { Worker } from 'node:worker_threads'
import type { Log } from './log.ts'

export interface KeptThreadOptions<From> {
  /** For people, in logs: `recorder`. */
  name: string
  entry: URL
  /** What a thread is started with; `again`: one died before. */
  workerData(again: boolean): unknown
  log: Log
  /** What a death means to those who read the log. */
  meanwhile: string
  /** Makes the thread say something: one that says nothing for `silenceMs` is ended and started again. */
  ping(): void
  told(message: From): void
  gone?(): void
  died?(error: Error): void
  silenceMs?: number
  /** First wait before a thread that died is started again; doubles with each death. */
  restartMs?: number
}

/** A thread that is started again whenever it dies or falls silent. Its first message says `ready`. */
export class KeptThread<To, From extends { type: string }> {
  #options: KeptThreadOptions<From>
  #worker: Worker | null = null
  #ready = false
  #stopping = false
  #renewing = false
  #deaths = 0
  #restart: NodeJS.Timeout | null = null
  #watch: NodeJS.Timeout
  #heardMs = 0

  constructor(options: KeptThreadOptions<From>) {
    this.#options = options
    const silenceMs = options.silenceMs ?? 120_000
    this.#watch = setInterval(() => this.#listen(silenceMs), silenceMs / 4)
    this.#watch.unref()
  }

  /** Resolves when the thread is ready. Throws when its first start fails. */
  async begin(): Promise<void> {
    try {
      await this.#start(false)
    } catch (error) {
      clearInterval(this.#watch)
      throw error
    }
  }

  alive(): boolean {
    return this.#ready
  }

  send(message: To): void {
    this.#worker?.postMessage(message)
  }

  /** Ends the thread and starts it again: what it works on is something else now. */
  renew(): void {
    if (!this.#worker || !this.#ready || this.#stopping) return
    this.#renewing = true
    this.#worker.terminate()
  }

  /** Tells the thread to end, and ends it at the deadline, or soon after `hurry` resolves. */
  async stop(last: To, deadlineMs: number, hurry?: Promise<unknown>): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    clearInterval(this.#watch)
    if (this.#restart) clearTimeout(this.#restart)
    const worker = this.#worker
    if (!worker) return
    await new Promise<void>((resolve) => {
      const end = () => {
        const { log, name, meanwhile } = this.#options
        log.warn(`the ${name} was ended at its deadline; ${meanwhile}`, { deadlineMs })
        worker.terminate()
      }
      let deadline = setTimeout(end, deadlineMs)
      let ended = false
      worker.once('exit', () => {
        ended = true
        clearTimeout(deadline)
        resolve()
      })
      this.send(last)
      hurry?.then(() => {
        clearTimeout(deadline)
        if (!ended) deadline = setTimeout(end, hurriedMs)
      })
    })
  }

  #start(again: boolean): Promise<void> {
    const { entry, name } = this.#options
    const worker = new Worker(entry, { workerData: this.#options.workerData(again), name })
    this.#worker = worker
    this.#heardMs = performance.now()
    return new Promise((resolve, reject) => {
      let failure: Error | null = null
      worker.on('message', (message: From) => {
        this.#heardMs = performance.now()
        if (message.type === 'ready') {
          this.#ready = true
          resolve()
        }
        this.#options.told(message)
      })
      worker.on('error', (error) => {
        failure = error instanceof Error ? error : new Error(String(error))
      })
      worker.on('exit', (code) => {
        const wasReady = this.#ready
        const error = failure ?? new Error(`the ${name}'s thread ended with code ${code}`)
        this.#worker = null
        this.#ready = false
        this.#options.gone?.()
        if (this.#renewing) {
          this.#renewing = false
          if (!this.#stopping) this.#start(false).catch(() => {}) // its exit starts it again
        } else if (wasReady || this.#deaths > 0) this.#died(error)
        reject(error)
      })
    })
  }

  #died(error: Error): void {
    if (this.#stopping) return
    const { log, name, meanwhile, restartMs = 100 } = this.#options
    const waitMs = Math.min(restartMs * 2 ** Math.min(this.#deaths, 10), lastRestartMs)
    this.#deaths++
    log.error(`the ${name} died and is started again; ${meanwhile}`, { error, waitMs })
    this.#options.died?.(error)
    this.#restart = setTimeout(() => {
      this.#start(true).catch(() => {}) // its exit starts it again
    }, waitMs)
  }

  /** Ends a thread that has not answered for long: what it was busy with is treated as what killed it. */
  #listen(silenceMs: number): void {
    if (!this.#worker || !this.#ready) return
    if (performance.now() - this.#heardMs <= silenceMs) this.#options.ping()
    else {
      const { log, name } = this.#options
      log.error(`the ${name} does not answer and is ended`, { silenceMs })
      this.#worker.terminate()
    }
  }
}

const lastRestartMs = 10_000
/** For a last word, such as that of the shutdown. */
const hurriedMs = 500
