import { Agent } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { type FaultLink, faultLink, type Toxics } from '../support/fault-link.ts'
import { canWatch, median, quantile, watchMemory } from '../support/process-watch.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually } from '../support/within.ts'
import { clientCall } from './client-call.ts'
import { delivered, healthOf } from './health.ts'
import { keptInDatabase, keptInFake } from './kept.ts'
import { losses, none } from './ledger.ts'
import { seeded } from './seeded.ts'
import { type Traffic, traffic } from './traffic.ts'

/** What is wrong with the way to MongoDB; a call that waited for it would take a second at least. */
const troubles: Readonly<Record<string, { up?: Toxics; down?: Toxics }>> = {
  'gives no answer': { down: { hang: true } },
  'answers two seconds late': { down: { latencyMs: 2_000 } },
  'is behind a line of 1 KB/s': { up: { bytesPerSecond: 1_000 }, down: { bytesPerSecond: 1_000 } },
}

const rounds = 10
const callsInRound = 100

/** Two batches of 8 MiB, as read and as they are sent, and what SQLite caches of more rows than before. */
const batchesMib = 128

let calls: Traffic
let mongo: FakeMongo
let link: FaultLink
/** Two proxies that differ in nothing else. */
let without: SpawnedProxy
let withMongo: SpawnedProxy
let wellMib = 0

beforeAll(async () => {
  calls = await traffic()
  mongo = await fakeMongo()
  link = await faultLink(mongo.port)
  const upstreams = { openai: calls.upstream.port }
  const uri = `mongodb://127.0.0.1:${link.port}/?directConnection=true`
  without = await spawnProxy({ upstreams })
  withMongo = await spawnProxy({ upstreams, env: { MONGO_URI: uri, DB_NAME: 'db' } })
  // as much as will come, so that what grows later is what MongoDB's trouble costs
  const warming = watchMemory(withMongo.pid)
  for (let round = 0; round < 2 * rounds; round++) {
    await roundAt(without)
    await roundAt(withMongo)
    await delivered(withMongo.url)
  }
  warming.stop()
  if (canWatch) wellMib = warming.peakMib
}, 120_000)

afterAll(async () => {
  for (const proxy of [without, withMongo]) await proxy?.[Symbol.asyncDispose]()
  await link?.[Symbol.asyncDispose]()
  await mongo?.[Symbol.asyncDispose]()
  await calls?.[Symbol.asyncDispose]()
})

/** Milliseconds of each of some calls, one after the other on one connection. */
async function roundAt({ port }: SpawnedProxy): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const parts = { port, agent, random: seeded(1), ledger: calls.ledger, excused: () => false }
  const took: number[] = []
  for (let count = 0; count < callsInRound; count++) {
    const at = performance.now()
    expect(await clientCall(calls.nextCall(), 'quick', parts)).toBe('clean')
    took.push(performance.now() - at)
  }
  agent.destroy()
  return took
}

describe('calls while MongoDB', () => {
  it.each(Object.entries(troubles))(
    '%s take as long as without one, and memory stays (42)',
    async (name, { up = {}, down = {} }) => {
      Object.assign(link, { up, down })
      const memory = watchMemory(withMongo.pid)
      const found: { p50: number; p99: number }[] = []
      for (let round = 0; round < rounds; round++) {
        // in turns, so that what else the machine does falls on both
        const [one, other] = round % 2 === 0 ? [without, withMongo] : [withMongo, without]
        const [first, second] = [await roundAt(one), await roundAt(other)]
        const [plain, stuck] = one === without ? [first, second] : [second, first]
        found.push({ p50: median(stuck) - median(plain), p99: quantile(stuck, 0.99) - quantile(plain, 0.99) })
      }
      memory.stop()
      const added = { p50: median(found.map(({ p50 }) => p50)), p99: median(found.map(({ p99 }) => p99)) }
      const grownMib = canWatch ? memory.peakMib - wellMib : 0
      const { sinks } = await healthOf(withMongo.url)
      console.log(
        `MongoDB ${name}: p50 ${added.p50.toFixed(2)} ms, p99 ${added.p99.toFixed(2)} ms added, ` +
          `memory +${Math.round(grownMib)} MiB, ${sinks.mongodb?.pending} records wait`,
      )
      expect(sinks.mongodb?.pending).toBeGreaterThan(rounds)
      // on a quiet machine the 99th percentile is within 1 ms; a call that waits for the store takes a second
      expect(added.p50).toBeLessThan(10)
      expect(added.p99).toBeLessThan(100)
      expect(grownMib).toBeLessThan(batchesMib)
    },
    120_000,
  )

  it('was in trouble are all in it once it is well', async () => {
    Object.assign(link, { up: {}, down: {} })
    link.reset()
    await delivered(withMongo.url, 120_000)
    await delivered(without.url)
    const kept = [...keptInDatabase(without.dataDir).kept, ...keptInFake(mongo).kept]
    expect(losses(calls.ledger.compare(kept))).toEqual(none)
    await eventually('the totals', () => keptInFake(mongo).counted === keptInFake(mongo).kept.length, 30_000)
  }, 150_000)
})
