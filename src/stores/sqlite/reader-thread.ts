import { type MessagePort, Worker } from 'node:worker_threads'
import type { OwnStore } from '../own-store.ts'
import { type Store, Unanswerable } from '../store.ts'
import { StoreUnusable } from './database.ts'

/** More questions are waiting than the reader takes. */
export class Busy extends Error {
  override name = 'Busy'
}

/** The answer took longer than allowed; the question was given up. */
export class AnswerTimeout extends Error {
  override name = 'AnswerTimeout'
}

export interface ReaderOptions {
  /** Questions that may wait, the one being answered included. */
  queueLimit?: number
  /** From asking to answering. */
  timeoutMs?: number
  /** The thread's entry. */
  entry?: URL
  /** Of the store that the thread opens. */
  name?: string
}

/** A store whose thread can be told that what it opened is something else now. */
export interface Reader extends OwnStore {
  renew(): void
}

/**
 * A store asked by a thread of its own, which is started at the first question and again whenever it died. `place` tells the
 * thread what to open: the path of the embedded database, unless another `entry` wants something else.
 * A question that its store has no answer to fails.
 */
export function openReader(place: unknown, options: ReaderOptions = {}): Reader {
  const { queueLimit = 256, timeoutMs = 10_000, entry = readerEntry(), name = 'sqlite' } = options
  const waiting: Question[] = []
  let running: Question | null = null
  let worker: Worker | null = null
  let lastId = 0
  let closed = false

  const start = (): Worker => {
    const thread = new Worker(entry, { workerData: place, name: `reader of ${name}` })
    thread.unref()
    thread.on('message', (answer: Answer) => {
      if (thread === worker && answer.id === running?.id) settle(running, answer)
    })
    thread.on('error', (error) => died(thread, error))
    thread.on('exit', (code) => died(thread, new Error(`the reader thread ended with code ${code}`)))
    return thread
  }

  const died = (thread: Worker, cause: Error): void => {
    if (thread !== worker) return
    worker = null
    const question = running
    running = null
    if (question === null) return
    if (question.tries < 2) waiting.unshift(question)
    else
      finish(question, () =>
        question.reject(new Error(`the reader died twice over a question: ${cause.message}`, { cause })),
      )
    next()
  }

  const settle = (question: Question, answer: Answer): void => {
    running = null
    finish(question, () => ('error' in answer ? question.reject(revive(answer.error)) : question.resolve(answer.value)))
    next()
  }

  const finish = (question: Question, then: () => void): void => {
    clearTimeout(question.timer)
    then()
  }

  const next = (): void => {
    if (running !== null) return
    const question = waiting.shift()
    if (question === undefined) return
    worker ??= start()
    running = question
    question.tries++
    const { id, method, args } = question
    worker.postMessage({ id, method, args } satisfies Asked)
  }

  const late = (question: Question): void => {
    question.reject(new AnswerTimeout(`${question.method} gave no answer within ${timeoutMs} ms`))
    if (question !== running) {
      waiting.splice(waiting.indexOf(question), 1)
      return
    }
    const stuck = worker
    worker = null
    running = null
    void stuck?.terminate() // a query cannot be interrupted, its thread can
    next()
  }

  const ask = <T>(method: Method, ...args: readonly unknown[]): Promise<T> => {
    if (closed) return Promise.reject(new Error('the reader is closed'))
    if (waiting.length + (running === null ? 0 : 1) >= queueLimit)
      return Promise.reject(new Busy(`${queueLimit} lookups are waiting already: try again later`))
    return new Promise<T>((resolve, reject) => {
      const question: Question = {
        id: ++lastId,
        method,
        args,
        tries: 0,
        resolve: (value) => resolve(value as T),
        reject,
        timer: setTimeout(() => late(question), timeoutMs),
      }
      waiting.push(question)
      next()
    })
  }

  return {
    name,
    usage: (project, query) => ask('usage', project, query),
    runs: (project, query) => ask('runs', project, query),
    run: (project, id) => ask('run', project, id),
    body: (project, id, side) => ask('body', project, id, side),
    status: () => ask('status'),
    scrape: () => ask('scrape'),
    sums: (nowMs) => ask('sums', nowMs),
    connectionEvents: (limit) => ask('connectionEvents', limit),
    purge: (number) => ask('purge', number),
    purges: (limit, before) => ask('purges', limit, before),
    deleted: () => ask('deleted'),
    renew() {
      const ended = worker
      worker = null
      if (running !== null) waiting.unshift(running)
      running = null
      void ended?.terminate()
      next()
    },
    async close() {
      closed = true
      const ended = worker
      worker = null
      const left = running === null ? waiting.splice(0) : [running, ...waiting.splice(0)]
      running = null
      for (const question of left) finish(question, () => question.reject(new Error('the reader is closed')))
      await ended?.terminate()
    },
  }
}

/** The thread's side: opens the store at the first question (and again, should that fail) and answers one after the other. */
export function answerQuestions(port: MessagePort, open: () => Answering): void {
  let store: Answering | null = null
  port.on('message', async ({ id, method, args }: Asked) => {
    try {
      store ??= open()
      const answer = store[method] as ((...args: readonly unknown[]) => Promise<unknown>) | undefined
      if (answer === undefined) throw new Error(`${store.name} has no answer to ${method}`)
      const value = await answer(...args)
      port.postMessage({ id, value } satisfies Answer, transferable(value))
    } catch (error) {
      port.postMessage({ id, error: described(error) } satisfies Answer)
    }
  })
}

/** Questions that only this machine's own store can answer may be missing. */
type Answering = Store & Partial<OwnStore>

type Method = Exclude<keyof OwnStore, 'name' | 'close'>

interface Asked {
  id: number
  method: Method
  args: readonly unknown[]
}

interface Question extends Asked {
  tries: number
  resolve(value: unknown): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

type Answer = { id: number; value: unknown } | { id: number; error: DescribedError }

interface DescribedError {
  name: string
  message: string
  stack: string | undefined
  parameter: string | null
}

function described(error: unknown): DescribedError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, parameter: null }
  const { name, message, stack } = error
  return { name, message, stack, parameter: error instanceof Unanswerable ? error.parameter : null }
}

/** The error as it was thrown in the thread; classes that callers tell apart come back as themselves. */
function revive({ name, message, stack, parameter }: DescribedError): Error {
  if (parameter !== null) return new Unanswerable(parameter, message)
  const error = name === 'StoreUnusable' ? new StoreUnusable(message) : new Error(message)
  error.name = name
  if (stack !== undefined) error.stack = stack
  return error
}

/** A body of its own memory moves over; memory that is a window into something larger is copied. */
function transferable(value: unknown): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null || !('bytes' in value)) return []
  const { bytes } = value
  if (!(bytes instanceof Uint8Array) || !(bytes.buffer instanceof ArrayBuffer)) return []
  return bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : []
}

/** Sources run as `.ts`, the built package as `.js`. */
const readerEntry = (): URL => new URL(`../../reader.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
