import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import type { Encoding } from './encodings.ts'
import type { TokenCounter } from './metered.ts'
import type { CountAnswer, CountJob } from './tokenizer-process.ts'

/** Characters of one job that are counted; what lies beyond is extrapolated from them. */
export const countedCharacters = 2 << 20

export interface TokenCounterOptions {
  /** The tokenizer ends after so long without a job, and gives its memory back. */
  idleMs?: number
  /** A job that takes longer ends the tokenizer, and is given up. */
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

/** A tokenizer that dies under a job is replaced once. */
const mostTries = 2

/**
 * Starts nothing yet: the tokenizer comes with the first text and goes when it is idle. It is a process and no thread: V8
 * aborts now and then when a thread with WebAssembly in it ends (nodejs/node issue 64500), and that must not be ours.
 */
export function startTokenCounter(options: TokenCounterOptions = {}): TokenCounter {
  const { idleMs = 30_000, jobMs = 10_000, waitMs = 12_000 } = options
  const entry = options.entry ?? new URL(`./tokenizer-process${extname(import.meta.filename)}`, import.meta.url)
  const queue: Waiting[] = []
  let tokenizer: ChildProcess | null = null
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
      release(tokenizer)
      timer = setTimeout(() => end(), idleMs).unref()
      return
    }
    waiting.tries++
    tokenizer ??= begin()
    tokenizer.ref()
    tokenizer.channel?.ref()
    tokenizer.send(waiting.job)
    timer = setTimeout(() => {
      waiting.tries = mostTries
      failed(new Error(`no answer within ${jobMs} ms`))
    }, jobMs)
  }

  const begin = (): ChildProcess => {
    const started = fork(entry, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    started.on('message', (answer: CountAnswer) => {
      if (started !== tokenizer || answer.id !== queue[0]?.job.id) return
      const waiting = queue.shift()!
      if ('error' in answer) waiting.reject(new Error(`tokenizer: ${answer.error}`))
      else waiting.resolve(answer.counts)
      next()
    })
    started.on('error', (error) => started === tokenizer && failed(error))
    started.on(
      'exit',
      (code, signal) => started === tokenizer && failed(new Error(`the tokenizer ended with ${code ?? signal}`)),
    )
    return started
  }

  const end = async (): Promise<void> => {
    clearTimeout(timer)
    const ending = tokenizer
    tokenizer = null
    if (ending?.pid === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    await new Promise((resolve) => {
      ending.once('exit', resolve)
      ending.kill('SIGKILL')
    })
  }

  /** It is gone or stuck: another one gets the job once more, then the job is given up. */
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

/** Without a job it keeps nobody from ending. */
function release(tokenizer: ChildProcess | null): void {
  tokenizer?.unref()
  tokenizer?.channel?.unref()
}

/** Cuts the texts so that they stay within the limit together; each count is to be multiplied by its text's factor. */
function bounded(texts: readonly string[]): { kept: readonly string[]; factors: readonly number[] } {
  const total = texts.reduce((sum, text) => sum + text.length, 0)
  if (total <= countedCharacters) return { kept: texts, factors: [] }
  const share = countedCharacters / total
  const kept = texts.map((text) => text.slice(0, Math.ceil(text.length * share)))
  return { kept, factors: texts.map((text, place) => (text.length === 0 ? 1 : text.length / kept[place]!.length)) }
}
