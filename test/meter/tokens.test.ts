import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { getHeapStatistics } from 'node:v8'
import { afterEach, describe, expect, it } from 'vitest'
import { encodingFor } from '../../src/meter/encodings.ts'
import type { TokenCounter } from '../../src/meter/metered.ts'
import { countedCharacters, startTokenCounter, type TokenCounterOptions } from '../../src/meter/tokens.ts'

const open: TokenCounter[] = []
const counter = (options?: TokenCounterOptions): TokenCounter => {
  const started = startTokenCounter(options)
  open.push(started)
  return started
}
afterEach(async () => {
  for (const started of open.splice(0)) await started.close()
})

describe('token counter', () => {
  it('counts as the published encodings do', async () => {
    const tokens = counter()
    expect(await tokens.count('o200k_base', ['hello world', '', 'tiktoken is great!'])).toEqual([2, 0, 6])
    expect(await tokens.count('cl100k_base', ['tiktoken is great!', 'antidisestablishmentarianism'])).toEqual([6, 6])
    expect(await tokens.count('o200k_base', ['hello world'])).toEqual([2])
  })

  it('takes the text of special tokens as plain text', async () => {
    const [tokens] = await counter().count('o200k_base', ['<|endoftext|>'])
    expect(tokens).toBeGreaterThan(1)
  })

  it('takes lone surrogates', async () => {
    expect((await counter().count('o200k_base', ['\ud800']))[0]).toBeGreaterThan(0)
  })

  it('counts long unbroken runs and long blank runs without taking quadratic time', async () => {
    const tokens = counter({ jobMs: 10_000 })
    await tokens.count('o200k_base', ['warm'])
    const begun = performance.now()
    const [run, blank] = await tokens.count('o200k_base', ['a'.repeat(500_000), '\n'.repeat(200_000)])
    expect(performance.now() - begun).toBeLessThan(5000)
    expect(run).toBeGreaterThan(50_000)
    expect(blank).toBeGreaterThan(1000)
  })

  it('extrapolates what lies beyond its limit', async () => {
    const words = 'word '.repeat((2 * countedCharacters) / 5)
    const [tokens] = await counter().count('o200k_base', [words])
    expect(tokens).toBeGreaterThan((words.length / 5) * 0.99)
    expect(tokens).toBeLessThan((words.length / 5) * 1.01)
  })

  it('answers many questions at once, each with its own counts', async () => {
    const tokens = counter()
    const asked = Array.from({ length: 20 }, (_, place) => 'one '.repeat(place).trim())
    const counts = await Promise.all(asked.map((text) => tokens.count('o200k_base', [text])))
    expect(counts.map(([count]) => count)).toEqual(asked.map((_, place) => place))
  })

  it('ends its worker when it is idle, and works again with another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'))
    const path = join(folder, 'thread.mjs')
    writeFileSync(
      path,
      `process.on('message', (job) => process.send({ id: job.id, counts: [process.pid] }))
       process.on('disconnect', () => process.exit())`,
    )
    try {
      const entry = pathToFileURL(path)
      const lasting = counter({ entry })
      const [thread] = await lasting.count('o200k_base', ['x'])
      expect(await lasting.count('o200k_base', ['x'])).toEqual([thread])
      const idle = counter({ entry, idleMs: 1 })
      const first = await idle.count('o200k_base', ['x'])
      await expect.poll(() => idle.count('o200k_base', ['x'])).not.toEqual(first)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('refuses an encoding it does not know, and goes on', async () => {
    const tokens = counter()
    await expect(tokens.count('klingon', ['x'])).rejects.toThrow('tokenizer')
    expect(await tokens.count('o200k_base', ['hello world'])).toEqual([2])
  })

  it('gives a job to a new worker when the first one died, and gives it up when that one dies too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'))
    const marker = join(folder, 'died')
    const dying = (always: boolean): URL => {
      const path = join(folder, `${always}.mjs`)
      writeFileSync(
        path,
        `import { existsSync, writeFileSync } from 'node:fs'
         process.on('disconnect', () => process.exit())
         process.on('message', (job) => {
           if (${always} || !existsSync(${JSON.stringify(marker)})) {
             writeFileSync(${JSON.stringify(marker)}, '')
             process.exit(7)
           }
           process.send({ id: job.id, counts: job.texts.map(() => 42) })
         })`,
      )
      return pathToFileURL(path)
    }
    try {
      expect(await counter({ entry: dying(false) }).count('o200k_base', ['x'])).toEqual([42])
      const hopeless = counter({ entry: dying(true) })
      await expect(hopeless.count('o200k_base', ['x'])).rejects.toThrow('tokens could not be counted')
      await expect(hopeless.count('o200k_base', ['y'])).rejects.toThrow('tokens could not be counted')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('gives up a job on which the worker is stuck, and those that waited too long behind it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'))
    const path = join(folder, 'stuck.mjs')
    writeFileSync(path, "process.on('message', () => { for (;;); })")
    try {
      const stuck = counter({ entry: pathToFileURL(path), jobMs: 300, waitMs: 100 })
      const asked = [stuck.count('o200k_base', ['x']), stuck.count('o200k_base', ['y'])]
      const [first, second] = await Promise.allSettled(asked)
      expect(first).toMatchObject({ status: 'rejected', reason: { message: 'tokens could not be counted' } })
      expect(second).toMatchObject({
        status: 'rejected',
        reason: { message: 'the tokenizer was busy for more than 100 ms' },
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('keeps the rank tables out of this thread', async () => {
    const before = getHeapStatistics().used_heap_size
    await counter().count('o200k_base', ['hello'])
    expect(getHeapStatistics().used_heap_size - before).toBeLessThan(20 << 20)
  })

  it('refuses what is asked after close', async () => {
    const tokens = counter()
    await tokens.close()
    await expect(tokens.count('o200k_base', ['x'])).rejects.toThrow('closed')
  })
})

describe('encoding of a model', () => {
  it.each([
    ['gpt-4o-mini', 'o200k_base'],
    ['openai/gpt-5.6-sol', 'o200k_base'],
    ['o1', 'o200k_base'],
    ['o3-mini', 'o200k_base'],
    ['gpt-oss-120b', 'o200k_base'],
    ['gpt-oss:20b', 'o200k_base'],
    ['ft:gpt-4o-2024-08-06:acme::x', 'o200k_base'],
    ['gpt-4', 'cl100k_base'],
    ['gpt-4-turbo', 'cl100k_base'],
    ['gpt-4.1-mini', 'o200k_base'],
    ['ft:gpt-4-0613:acme::x', 'cl100k_base'],
    ['gpt-3.5-turbo-0125', 'cl100k_base'],
    ['gpt-35-turbo', 'cl100k_base'],
    ['text-embedding-3-small', 'cl100k_base'],
    ['text-davinci-003', 'p50k_base'],
    ['text-davinci-001', 'r50k_base'],
    ['text-davinci-edit-001', 'p50k_base'],
    ['davinci', 'r50k_base'],
  ])('%s is its own %s', (model, encoding) => {
    expect(encodingFor(model)).toEqual({ encoding, own: true })
  })

  it.each(['llama3.2:3b', 'claude-sonnet-5-5', 'gemini-3-pro', 'grok-4', 'o4', 'adamant', null])(
    '%s is counted with a stand-in',
    (model) => {
      expect(encodingFor(model)).toEqual({ encoding: 'o200k_base', own: false })
    },
  )
})
