import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listSegments, segmentSize } from '../../src/journal/segments.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/id.ts'
import { closeOf, headOf, openOf } from '../journal/support.ts'
import { canWatch, residentMib } from '../support/process-watch.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { eventually } from '../support/within.ts'
import { clientCall } from './client-call.ts'
import { keptInDatabase } from './kept.ts'
import { seeded } from './seeded.ts'
import { traffic } from './traffic.ts'

const megabytes = 100
const calls = 5_000
const request = Buffer.from(
  JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'word '.repeat(2_000) }] }),
)
const event = (text: string): Buffer =>
  Buffer.from(
    `data: ${JSON.stringify({ model: 'gpt-4o-mini', choices: [{ index: 0, delta: { content: text } }] })}\n\n`,
  )
/** Streams of some 80 events, with the provider's own count. */
const response = [
  ...Array.from({ length: 80 }, (_, word) => event(`word ${word} `)),
  Buffer.from(
    'data: {"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":2000,"completion_tokens":160,"total_tokens":2160}}\n\n',
  ),
  Buffer.from('data: [DONE]\n\n'),
]

/** A journal as a killed process leaves it: every call is ended, the epoch is not. Returns its size. */
async function abandonedJournal(dir: string): Promise<number> {
  const journal = openJournal({ dir, clock: systemClock, segmentBytes: 64 * 1024 * 1024 })
  for (let made = 0; made < calls; made++) {
    const exchange = journal.open(
      { ...openOf(newId(Date.now())), wallMs: Date.now(), path: '/v1/chat/completions', method: 'POST' },
      () => {},
    )
    journal.data(exchange, 'request', 0, 1, request)
    journal.head(exchange, headOf())
    let offset = 0
    for (const piece of response) {
      journal.data(exchange, 'response', offset, 2, piece)
      offset += piece.length
    }
    const safe = new Promise((resolve) => journal.close(exchange, closeOf(request.length, offset), resolve))
    if (made % 50 === 0 || made === calls - 1) await safe
  }
  return listSegments(dir, journal.epoch).reduce((sum, segment) => sum + segmentSize(dir, journal.epoch, segment), 0)
}

const epochs = (dir: string): number => readdirSync(dir).filter((name) => name.length === 36).length

it(`serves at once after a kill -9 with ${megabytes} MB in the journal, and takes them up in a bounded time (46)`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-recovery-'))
  try {
    await using upstream = await traffic()
    const bytes = await abandonedJournal(join(dataDir, 'journal'))
    expect(bytes).toBeGreaterThan(megabytes * 0.8e6)
    const startedAt = async (dataDir?: string) => {
      const from = performance.now()
      const proxy = await spawnProxy({
        upstreams: { openai: upstream.upstream.port },
        ...(dataDir !== undefined && { dataDir }),
      })
      return { proxy, ms: performance.now() - from, from }
    }
    const empty = await startedAt()
    await empty.proxy.stop()
    const { proxy, ms, from } = await startedAt(dataDir)
    const agent = new Agent()
    const parts = { port: proxy.port, agent, random: seeded(1), ledger: upstream.ledger, excused: () => false }
    expect(await clientCall(upstream.nextCall(), 'quick', parts)).toBe('clean')
    const firstAnswerMs = performance.now() - from
    let peakMib = 0
    await eventually(
      'everything to be taken up',
      () => {
        if (canWatch) peakMib = Math.max(peakMib, residentMib(proxy.pid))
        return epochs(join(dataDir, 'journal')) === 1
      },
      120_000,
      20,
    )
    const recoveryMs = performance.now() - from - ms
    const perHundredMs = (recoveryMs / bytes) * 100e6
    console.log(
      `${Math.round(bytes / 1e6)} MB of journal, ${calls} calls: ready after ${Math.round(ms)} ms (empty: ${Math.round(empty.ms)} ms), ` +
        `first answer after ${Math.round(firstAnswerMs)} ms, taken up in ${Math.round(recoveryMs)} ms ` +
        `(${Math.round(perHundredMs)} ms per 100 MB), at most ${Math.round(peakMib)} MiB`,
    )
    await eventually('the records', () => keptInDatabase(dataDir).kept.length === calls + 1, 10_000, 50)
    // nobody waits for the journal: asked for is a second for each 100 MB
    expect(ms - empty.ms).toBeLessThan(5_000)
    expect(perHundredMs).toBeLessThan(20_000)
    expect(await proxy.stop()).toEqual({ code: 0, signal: null })
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}, 180_000)
