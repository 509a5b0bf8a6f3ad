import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { pause } from '../support/within.ts'
import { delivered } from './health.ts'
import { keptInDatabase } from './kept.ts'
import { losses, none } from './ledger.ts'
import { pacedLoad } from './paced-load.ts'
import { seeded } from './seeded.ts'
import { type Traffic, traffic } from './traffic.ts'

let dataDir: string
let calls: Traffic

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sightglass-damaged-'))
  calls = await traffic()
})
afterEach(async () => {
  await calls[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

const started = () => spawnProxy({ dataDir, upstreams: { openai: calls.upstream.port }, startMs: 30_000 })

/** A process that was killed under load, and whose database is gone: all that is left is its journal. Returns that file. */
async function journalAlone(): Promise<string> {
  const proxy = await started()
  const load = pacedLoad({
    port: () => proxy.port,
    perSecond: 150,
    kinds: ['json', 'stream'], // no long requests, in which most of the damage would be
    ledger: calls.ledger,
    nextCall: calls.nextCall,
    seed: 49,
    excused: () => true,
  })
  await pause(1_500)
  process.kill(proxy.pid, 'SIGKILL')
  await proxy.exited
  await load.stop()
  for (const name of readdirSync(dataDir)) if (name.startsWith('sightglass.sqlite')) rmSync(join(dataDir, name))
  const files = readdirSync(join(dataDir, 'journal'), { recursive: true, encoding: 'utf8' })
  const [segment, ...others] = files.filter((name) => /[/\\]/.test(name))
  expect(others).toEqual([])
  return join(dataDir, 'journal', segment!)
}

/** What the next process makes of it. */
async function taken() {
  await using proxy = await started()
  await calls.load(proxy.port, 4, () => pause(300))
  const health = await delivered(proxy.url, 60_000)
  expect(health.status).toBe('ok')
  const { kept, counted } = keptInDatabase(dataDir)
  expect(counted).toBe(kept.length)
  return { found: calls.ledger.compare(kept), output: proxy.output() }
}

it('has every call again whose database is gone, from the journal (49, 52)', async () => {
  await journalAlone()
  expect(losses((await taken()).found)).toEqual(none)
}, 60_000)

it('starts with a torn and spoilt journal, keeps what is whole, and spoils at most one call for each damage (49)', async () => {
  const file = await journalAlone()
  const bytes = readFileSync(file)
  const random = seeded(49)
  const flips = 12
  for (let flip = 0; flip < flips; flip++) bytes[random.whole(64, bytes.length - 1)]! ^= 1 << random.whole(0, 7)
  writeFileSync(file, bytes)
  truncateSync(file, bytes.length - 7)
  const { found, output } = await taken()
  const { recordsLost, untrue, requestsLost, doubled } = found
  console.log(
    `${flips} bits flipped and a torn end in ${Math.round(bytes.length / 1e3)} KB of journal: ` +
      `of ${found.calls} calls ${recordsLost.length} lost, ${untrue.length} spoilt`,
  )
  expect({ requestsLost, doubled }).toEqual({ requestsLost: [], doubled: [] })
  expect(recordsLost.length + untrue.length).toBeGreaterThan(0)
  expect(recordsLost.length + untrue.length).toBeLessThanOrEqual(flips + 1)
  expect(output).toMatch(/damage/)
}, 60_000)
