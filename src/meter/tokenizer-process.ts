import { createRequire } from 'node:module'
import type { Tiktoken } from 'tiktoken/lite'
import type { Encoding } from './encodings.ts'

export interface CountJob {
  id: number
  encoding: Encoding
  texts: readonly string[]
}

export type CountAnswer = { id: number; counts: readonly number[] } | { id: number; error: string }

interface Ranks {
  bpe_ranks: string
  special_tokens: Record<string, number>
  pat_str: string
}

const load = createRequire(import.meta.url)
const ranksOf = (encoding: Encoding): Ranks => load(`tiktoken/encoders/${encoding}.json`) as Ranks

/** Longer runs without a break make the merge take quadratic time. */
const longestRun = 1000
const longRuns = new RegExp(`\\S{${longestRun}}|\\s{${longestRun}}`, 'gu')

let loaded: { encoding: Encoding; encoder: Tiktoken } | null = null
let last: Promise<void> = Promise.resolve()

process.on('message', (job: CountJob) => {
  last = last.then(() => answer(job))
})
// it lives as long as whoever asks it, and a terminal's Ctrl-C is not meant for it
process.on('disconnect', () => process.exit())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

async function answer({ id, encoding, texts }: CountJob): Promise<void> {
  let reply: CountAnswer
  try {
    const encoder = await encoderOf(encoding)
    reply = { id, counts: texts.map((text) => count(encoder, text)) }
  } catch (error) {
    reply = { id, error: String(error) }
  }
  process.send?.(reply)
}

/** One encoding at a time: their tables are large, and their memory has to be given back by hand. */
async function encoderOf(encoding: Encoding): Promise<Tiktoken> {
  if (loaded?.encoding === encoding) return loaded.encoder
  loaded?.encoder.free()
  loaded = null
  const { Tiktoken } = await import('tiktoken/lite')
  const data = ranksOf(encoding)
  const encoder = new Tiktoken(data.bpe_ranks, data.special_tokens, data.pat_str)
  loaded = { encoding, encoder }
  return encoder
}

function count(encoder: Tiktoken, text: string): number {
  let tokens = 0
  let start = 0
  for (const run of text.matchAll(longRuns)) {
    const end = run.index + run[0].length
    tokens += encoder.encode_ordinary(text.slice(start, end)).length
    start = end
  }
  return tokens + encoder.encode_ordinary(text.slice(start)).length
}
