import { Agent } from 'node:http'
import { expect, it } from 'vitest'
import { temporaryDir } from '../journal/support.ts'
import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { faultLink } from '../support/fault-link.ts'
import { canWatch, watchMemory } from '../support/process-watch.ts'
import { readSamples, sampleOf } from '../support/prometheus-text.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually } from '../support/within.ts'
import { clientCall } from './client-call.ts'
import { delivered, healthOf } from './health.ts'
import { keptInFake } from './kept.ts'
import { seeded } from './seeded.ts'
import { type Traffic, traffic } from './traffic.ts'

const requests = 10_000
const clients = 32

/** So many calls, from clients that ask one after the other. */
async function ask(calls: Traffic, proxy: SpawnedProxy, count: number) {
  let left = count
  const client = async (place: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const parts = { port: proxy.port, agent, random: seeded(place), ledger: calls.ledger, excused: () => false }
    while (left-- > 0) expect(await clientCall(calls.nextCall(), 'quick', parts)).toBe('clean')
    agent.destroy()
  }
  await Promise.all(Array.from({ length: clients }, (_, place) => client(place)))
}

const callsIn = (mongo: FakeMongo) => [...(mongo.collections.get('telemetry')?.values() ?? [])]
const leanIn = (mongo: FakeMongo): number =>
  callsIn(mongo).filter(({ metadata }) => metadata.notes.some((note: string) => note.startsWith('bodies are missing')))
    .length
const gapsIn = (mongo: FakeMongo): number[] =>
  callsIn(mongo)
    .filter(({ metadata }) => metadata.method === 'GAP')
    .map(({ metadata }) => Number(/^(\d+) calls were not recorded/.exec(String(metadata.error_message))?.[1]))

it('answers 10,000 calls while MongoDB is away and the disk budget runs out, in bounded memory, and counts each one that it drops (C12)', async () => {
  await using calls = await traffic()
  await using mongo = await fakeMongo()
  await using link = await faultLink(mongo.port)
  await link.refuse()
  const dataDir = temporaryDir()
  const proxy = await spawnProxy({
    dataDir,
    upstreams: { openai: calls.upstream.port },
    env: {
      MONGO_URI: `mongodb://127.0.0.1:${link.port}/?directConnection=true`,
      DB_NAME: 'db',
      JOURNAL_LIMIT: '24MB',
      METRICS_TOKEN: 'scrape-me-please',
    },
  })
  const early = watchMemory(proxy.pid)
  await ask(calls, proxy, requests / 2)
  early.stop()
  const late = watchMemory(proxy.pid)
  await ask(calls, proxy, requests / 2)
  late.stop()

  const { records, services, status } = await eventually(
    'the recorder to have read all',
    async () => {
      const health = await healthOf(proxy.url)
      return health.records.pending <= 1 ? health : null // the gap is open
    },
    60_000,
    50,
  )
  expect(records.accepted).toBeGreaterThanOrEqual(requests)
  expect(records.dropped).toBeGreaterThan(100)
  expect([status, services.journal?.state]).toEqual(['unhealthy', 'down'])
  const scraped = await fetch(`${proxy.url}/metrics`, { headers: { authorization: 'Bearer scrape-me-please' } })
  const samples = readSamples(await scraped.text())
  expect(sampleOf(samples, 'sightglass_records_dropped_total')).toBe(records.dropped)
  const grownMib = canWatch ? late.peakMib - early.peakMib : 0
  console.log(
    `10,000 calls without a MongoDB: ${records.stored} stored, ${records.dropped} dropped and counted, ` +
      `memory at most ${Math.round(late.peakMib)} MiB, ${Math.round(grownMib)} MiB more in the second half`,
  )
  // heaps that are not warm yet, beside other tests up to 80; a queue in memory would hold some 10 KiB of each call
  expect(grownMib).toBeLessThan(128)
  expect(late.peakMib).toBeLessThan(640)

  await link.accept()
  const { sinks } = await eventually(
    'what was stored to be delivered',
    async () => {
      const health = await healthOf(proxy.url)
      return health.sinks.mongodb?.pending === 0 ? health : null
    },
    120_000,
    50,
  )
  expect(sinks.mongodb).toMatchObject({ quarantined: 0, dropped: 0 })
  expect(await proxy.stop()).toEqual({ code: 0, signal: null })
  expect(proxy.output()).not.toMatch(/unhandled|uncaught/i)

  // the gap ended with the process: its record says how many there were
  await using again = await spawnProxy({
    dataDir,
    env: { MONGO_URI: `mongodb://127.0.0.1:${link.port}/?directConnection=true`, DB_NAME: 'db' },
  })
  await delivered(again.url, 60_000)
  const { requestsLost, recordsLost, doubled, untrue } = calls.ledger.compare(
    keptInFake(mongo).kept.filter(({ call }) => call !== null),
  )
  // from 80 % of the budget on bodies are not kept, which their records say
  const lean = untrue.filter((text) => text.endsWith('recorded null'))
  expect(lean).toHaveLength(leanIn(mongo))
  expect({ requestsLost, doubled, untrue: untrue.filter((text) => !lean.includes(text)) }).toEqual({
    requestsLost: [],
    doubled: [],
    untrue: [],
  })
  expect(recordsLost).toHaveLength(records.dropped)
  expect(gapsIn(mongo).reduce((sum, calls) => sum + calls, 0)).toBe(records.dropped)
}, 240_000)
