import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, pause, within } from '../support/within.ts'
import { type CallKind, clientCall } from './client-call.ts'
import { delivered, type Health, healthOf } from './health.ts'
import { keptInDatabase } from './kept.ts'
import { type KillUpstream, killUpstream } from './kill-upstream.ts'
import { Ledger, losses, none } from './ledger.ts'
import { seeded } from './seeded.ts'

let dataDir: string
let ledger: Ledger
let upstream: KillUpstream
let calls = 0
let arrived = 0

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sightglass-workers-'))
  ledger = new Ledger()
  arrived = 0
  upstream = await killUpstream((call) => {
    ledger.arrived(call)
    arrived++
  })
})
afterEach(async () => {
  await upstream[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

const started = (env: Record<string, string> = {}) =>
  spawnProxy({ dataDir, upstreams: { openai: upstream.port }, env: { WORKERS: '2', ...env }, startMs: 30_000 })

/** Processes that this one started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** So many clients, each one call after the other, with a new connection after each cut. Nobody is to blame for a cut. */
function clientsOf(proxy: SpawnedProxy, count: number) {
  let isOver = false
  const kinds: readonly CallKind[] = ['json', 'stream', 'upload', 'leave']
  const client = async (place: number) => {
    const random = seeded(place)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!isOver) {
      const parts = { port: proxy.port, agent, random, ledger, excused: () => true }
      await clientCall(`call-${++calls}`, random.pick(kinds), parts)
    }
    agent.destroy()
  }
  const ended = Promise.all(Array.from({ length: count }, (_, place) => client(place)))
  return {
    async stop() {
      isOver = true
      await ended
    },
  }
}

/** A connection that is used again may be one to a worker that is gone. Counters that do not add up fail at once. */
async function health(proxy: SpawnedProxy): Promise<Health> {
  const found = await eventually('/health to answer', () =>
    healthOf(proxy.url).catch((error: Error) => {
      if (error instanceof TypeError) throw error // no answer
      return error
    }),
  )
  if (found instanceof Error) throw found
  return found
}

/** What was kept, compared with what clients and upstream saw; each call counted once. */
function expectNothingLost() {
  const { kept, counted } = keptInDatabase(dataDir)
  expect(losses(ledger.compare(kept))).toEqual(none)
  expect(counted).toBe(kept.length)
  return kept
}

it('serves on when workers are killed, starts others, and loses and doubles nothing; every snapshot adds up', async () => {
  const proxy = await started()
  const [first, second] = childrenOf(proxy.pid)
  expect(isAlive(first!) && isAlive(second!)).toBe(true)
  const clients = clientsOf(proxy, 24)
  const seen: Health[] = []
  for (let kill = 0; kill < 4; kill++) {
    const enough = arrived + 100
    await eventually('calls to be served', () => arrived >= enough, 30_000)
    seen.push(await health(proxy))
    const victims = childrenOf(proxy.pid)
    process.kill(victims[kill % victims.length]!, 'SIGKILL')
    seen.push(await health(proxy))
    await eventually('another worker', async () => (await health(proxy)).services.workers!.state === 'ok', 30_000)
  }
  await clients.stop()
  const { records, services } = await delivered(proxy.url)
  expect(services.workers).toEqual({ state: 'ok', message: null })
  expect(await proxy.stop()).toEqual({ code: 0, signal: null })
  const kept = expectNothingLost()
  expect(records).toMatchObject({ accepted: kept.length, stored: kept.length, dropped: 0 })
  expect(kept.length).toBeGreaterThan(400)
  expect(kept.filter(({ outcome }) => outcome === 'interrupted').length).toBeGreaterThan(0)
  expect(seen.map(({ records }) => records.stored)).toEqual(
    seen.map(({ records }) => records.stored).sort((a, b) => a - b),
  )
  expect(proxy.output().match(/a worker died/g)).toHaveLength(4)
}, 120_000)

it('ends with its first process, and the next start takes up what every worker left', async () => {
  const proxy = await started()
  const workers = childrenOf(proxy.pid)
  const clients = clientsOf(proxy, 24)
  await eventually('calls to be served', () => arrived >= 200, 30_000)
  process.kill(proxy.pid, 'SIGKILL')
  await eventually('the workers to end', () => !workers.some(isAlive), 5_000, 5)
  await clients.stop()
  await proxy.exited
  await using again = await started()
  await delivered(again.url)
  expectNothingLost()
}, 120_000)

it('lets the streams of every worker end after SIGTERM, and answers for itself until then', async () => {
  const proxy = await started({ DRAIN_LIMIT: '30s', DRAIN_DELAY: '400ms' })
  const random = seeded(1)
  const streams = Promise.all(
    Array.from({ length: 20 }, () => {
      const agent = new Agent({ maxSockets: 1 }) // a connection each, which the workers get in turn
      const parts = { port: proxy.port, agent, random, ledger, excused: () => false }
      return clientCall(`call-${++calls}`, 'held', parts)
    }),
  )
  await eventually('the upstream to have every call', () => arrived === 20, 20_000)
  expect(((await (await fetch(`${proxy.url}/health`)).json()) as { active_requests: number }).active_requests).toBe(20)
  const stopped = proxy.stop('SIGTERM')
  await eventually('/ready to say no', async () => (await fetch(`${proxy.url}/ready`)).status === 503)
  await pause(600)
  upstream.release()
  expect(new Set(await within(30_000, 'the streams to end', streams))).toEqual(new Set(['clean']))
  expect(await stopped).toEqual({ code: 0, signal: null })
  expectNothingLost()
}, 60_000)

it('says which port is in use, and leaves no process behind', async () => {
  const port = await freePort()
  await using other = await scriptedUpstream(() => [], { port })
  const failed = started({ PORT: `${other.port}` })
  await expect(failed).rejects.toThrow(/port \d+ on 127\.0\.0\.1 is in use/)
}, 60_000)

it('refuses a number of workers that makes no sense', async () => {
  await expect(started({ WORKERS: '0' })).rejects.toThrow(/WORKERS/)
})
