import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Encoding } from './encodings.ts'
import type { TokenCounter } from './metered.ts'
import type { CountAnswer, CountJob } from './tokenizer-worker.ts'

/** Characters of one job that are counted; what lies beyond is extrapolated from them. */
export const countedCharacters = 2 << 20

export interface TokenCounterOptions {
  /** The worker ends after so long without a job, and gives its memory back. */
  idleMs?: number
  /** A job that takes longer ends the worker, and is given up. */
  jobMs?: number
  /** A job whose turn comes later than this is given up: its asker has a deadline too. */
  waitMs?: number
  entry?: URL
}

interface Waiting {
  job: CountJob
  sinceMs: number
  tries: number
  resolve: (counts: readonly number[]) => void
  reject: (error: Error) => void
}

/** A worker that dies under a job is replaced once. */
const mostTries = 2

/** Starts nothing yet: the worker comes with the first text and goes when it is idle. */
export function startTokenCounter(options: TokenCounterOptions = {}): TokenCounter {
  const { idleMs = 30_000, jobMs = 10_000, waitMs = 12_000 } = options
  const entry = options.entry ?? new URL(`./tokenizer-worker${extname(import.meta.filename)}`, import.meta.url)
  const queue: Waiting[] = []
  let worker: Worker | null = null
  let timer: NodeJS.Timeout | undefined
  let nextId = 0
  let closed = false

  const count = (encoding: string, texts: readonly string[]): Promise<readonly number[]> => {
    if (closed) return Promise.reject(new Error('token counter is closed'))
    const { kept, factors } = bounded(texts)
    return new Promise<readonly number[]>((resolve, reject) => {
      const job: CountJob = { id: nextId++, encoding: encoding as Encoding, texts: kept }
      queue.push({ job, sinceMs: performance.now(), tries: 0, resolve, reject })
      if (queue.length === 1) next()
    }).then((counts) => counts.map((tokens, place) => Math.round(tokens * (factors[place] ?? 1))))
  }

  const next = (): void => {
    clearTimeout(timer)
    while (queue[0]?.tries === 0 && performance.now() - queue[0].sinceMs > waitMs)
      queue.shift()?.reject(new Error(`the tokenizer was busy for more than ${waitMs} ms`))
    const waiting = queue[0]
    if (!waiting) {
      worker?.unref()
      timer = setTimeout(() => end(), idleMs).unref()
      return
    }
    waiting.tries++
    worker ??= begin()
    worker.ref()
    worker.postMessage(waiting.job)
    timer = setTimeout(() => {
      waiting.tries = mostTries
      failed(new Error(`no answer within ${jobMs} ms`))
    }, jobMs)
  }

  const begin = (): Worker => {
    const started = new Worker(entry)
    started.on('message', (answer: CountAnswer) => {
      if (started !== worker || answer.id !== queue[0]?.job.id) return
      const waiting = queue.shift()!
      if ('error' in answer) waiting.reject(new Error(`tokenizer: ${answer.error}`))
      else waiting.resolve(answer.counts)
      next()
    })
    started.on('error', (error) => started === worker && failed(error))
    started.on('exit', (code) => started === worker && failed(new Error(`tokenizer worker ended with ${code}`)))
    return started
  }

  const end = (): Promise<unknown> | undefined => {
    clearTimeout(timer)
    const ending = worker
    worker = null
    return ending?.terminate()
  }

  /** The worker is gone or stuck: another one gets the job once more, then the job is given up. */
  const failed = (cause: unknown): void => {
    void end()
    const waiting = queue[0]
    if (waiting && waiting.tries >= mostTries) {
      queue.shift()
      waiting.reject(new Error('tokens could not be counted', { cause }))
    }
    if (queue.length > 0) next()
  }

  const close = async (): Promise<void> => {
    closed = true
    for (const waiting of queue.splice(0)) waiting.reject(new Error('token counter is closed'))
    await end()
  }

  return { count, close }
}

/** Cuts the texts so that they stay within the limit together; each count is to be multiplied by its text's factor. */
function bounded(texts: readonly string[]): { kept: readonly string[]; factors: readonly number[] } {
  const total = texts.reduce((sum, text) => sum + text.length, 0)
  if (total <= countedCharacters) return { kept: texts, factors: [] }
  const share = countedCharacters / total
  const kept = texts.map((text) => text.slice(0, Math.ceil(text.length * share)))
  return { kept, factors: texts.map((text, place) => (text.length === 0 ? 1 : text.length / kept[place]!.length)) }
}
