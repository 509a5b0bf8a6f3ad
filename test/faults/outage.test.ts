import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { type FaultLink, faultLink } from '../support/fault-link.ts'
import { canWatch, median, quantile, slopeMibPerMinute, type Watch, watchMemory } from '../support/process-watch.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, pause } from '../support/within.ts'
import { delivered, healthOf } from './health.ts'
import { keptInDatabase, keptInFake, slim } from './kept.ts'
import { losses, none } from './ledger.ts'
import { pacedLoad } from './paced-load.ts'
import { type Traffic, traffic } from './traffic.ts'

/** `npm run test:outage` makes it ten minutes. */
const seconds = Number(process.env.OUTAGE_SECONDS ?? 15)
const perSecond = Number(process.env.OUTAGE_PER_SECOND ?? 80)
/** Memory that a process takes for itself in its first minutes is no slope. */
const isLong = seconds >= 120

/** Two batches of 8 MiB, as read and as they are sent, and what SQLite caches of more rows than before. */
const batchesMib = 128

let calls: Traffic
let mongo: FakeMongo
let link: FaultLink
/** Two proxies under the same load that differ in nothing else. */
let without: SpawnedProxy
let withMongo: SpawnedProxy

beforeAll(async () => {
  calls = await traffic()
  mongo = await fakeMongo(slim)
  link = await faultLink(mongo.port)
  const upstreams = { openai: calls.upstream.port }
  const uri = `mongodb://127.0.0.1:${link.port}/?directConnection=true`
  without = await spawnProxy({ upstreams })
  withMongo = await spawnProxy({ upstreams, env: { MONGO_URI: uri, DB_NAME: 'db' } })
}, 60_000)

afterAll(async () => {
  for (const proxy of [without, withMongo]) await proxy?.[Symbol.asyncDispose]()
  await link?.[Symbol.asyncDispose]()
  await mongo?.[Symbol.asyncDispose]()
  await calls?.[Symbol.asyncDispose]()
})

/** Load on both proxies in turns for so long; milliseconds of the calls that were answered at once, by proxy. */
async function loaded(forSeconds: number) {
  const took = new Map<number, number[]>([without, withMongo].map(({ port }) => [port, []]))
  let turn = 0
  const load = pacedLoad({
    port: () => (++turn % 2 === 0 ? without : withMongo).port,
    perSecond,
    kinds: ['quick', 'quick', 'json', 'stream', 'upload', 'leave'],
    ledger: calls.ledger,
    nextCall: calls.nextCall,
    seed: 42,
    excused: () => false,
    ended: ({ kind, tookMs, port }) => kind === 'quick' && took.get(port)!.push(tookMs),
  })
  await pause(forSeconds * 1_000)
  await load.stop()
  return { plain: took.get(without.port)!, away: took.get(withMongo.port)! }
}

/** Milliseconds that a MongoDB, there or not, adds to a call. */
const addedBy = ({ plain, away }: { plain: number[]; away: number[] }) => ({
  p50: median(away) - median(plain),
  p99: quantile(away, 0.99) - quantile(plain, 0.99),
})

it(
  `answers as fast and in as much memory while MongoDB is away for ${seconds} s, and then brings all of it there (40, 42)`,
  async () => {
    const warming = watchMemory(withMongo.pid, 200)
    const before = addedBy(await loaded(isLong ? 60 : 6))
    await delivered(withMongo.url, 60_000)
    // what the first outage makes a process load and cache is not what a long one costs
    await link.refuse()
    await loaded(isLong ? 60 : 6)
    await link.accept()
    await delivered(withMongo.url, 120_000)
    warming.stop()
    await link.refuse()
    const memory = watchMemory(withMongo.pid, 200)
    const beside = watchMemory(without.pid, 200)
    const { plain, away } = await loaded(seconds)
    memory.stop()
    beside.stop()
    const added = addedBy({ plain, away })
    const slopeOf = ({ samples }: Watch) => (canWatch ? slopeMibPerMinute(samples.slice(samples.length / 4)) : 0)
    const slopes = { away: slopeOf(memory), plain: slopeOf(beside) }
    const grownMib = canWatch ? memory.peakMib - warming.peakMib : 0

    const { sinks } = await eventually(
      'the recorder to have read all',
      async () => {
        const health = await healthOf(withMongo.url)
        return health.records.pending === 0 ? health : null
      },
      60_000,
      100,
    )
    const backlog = sinks.mongodb!.pending
    await link.accept()
    const first = mongo.ids('telemetry').length
    await eventually('the first record after the outage', () => mongo.ids('telemetry').length > first, 120_000)
    const fromMs = performance.now()
    await delivered(withMongo.url, 300_000)
    const perSecondBack = backlog / ((performance.now() - fromMs) / 1_000)
    console.log(
      `MongoDB away for ${seconds} s at ${perSecond} calls/s: p50 ${median(plain).toFixed(1)} ms without and ${median(away).toFixed(1)} ms with it, ` +
        `p99 ${quantile(plain, 0.99).toFixed(1)} and ${quantile(away, 0.99).toFixed(1)} ms ` +
        `(added before the outage: p50 ${before.p50.toFixed(1)} ms, p99 ${before.p99.toFixed(1)} ms); memory at most ${Math.round(memory.peakMib)} MiB, ${Math.round(grownMib)} MiB more than before; ` +
        `${isLong ? `${slopes.away.toFixed(2)} MiB a minute, without a MongoDB ${slopes.plain.toFixed(2)} (at most ${Math.round(beside.peakMib)} MiB); ` : ''}${backlog} records back-filled at ${Math.round(perSecondBack)} a second`,
    )
    await delivered(without.url, 60_000)
    const { kept, counted } = keptInFake(mongo)
    expect(losses(calls.ledger.compare([...keptInDatabase(without.dataDir).kept, ...kept]))).toEqual(none)
    expect(new Set(mongo.ids('llm_runs'))).toEqual(new Set(mongo.ids('telemetry')))
    if (counted !== kept.length) await eventually('the totals', () => keptInFake(mongo).counted === kept.length, 30_000)
    expect(backlog).toBeGreaterThan((perSecond * seconds) / 4)
    // a call that waits for a store that is away takes a second at least
    expect(added.p50).toBeLessThan(10)
    expect(added.p99).toBeLessThan(100)
    expect(grownMib).toBeLessThan(batchesMib)
    // what the same load does to a proxy without a MongoDB is not the doing of one that is away
    if (seconds >= 300) expect(slopes.away - Math.max(0, slopes.plain)).toBeLessThan(1)
  },
  240_000 + seconds * 2_000,
)
