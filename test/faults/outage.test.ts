import { afterAll, beforeAll, expect, it } from 'vitest'
import { canWatch, median, quantile, slopeMibPerMinute, type Watch, watchMemory } from '../support/process-watch.ts'
import { eventually, pause } from '../support/within.ts'
import { delivered, healthOf } from './health.ts'
import { keptInDatabase, keptInFake, slim } from './kept.ts'
import { losses, none } from './ledger.ts'
import { pacedLoad } from './paced-load.ts'
import { batchesMib, type Twins, twins } from './twins.ts'

/** `npm run test:outage` makes it ten minutes. */
const seconds = Number(process.env.OUTAGE_SECONDS ?? 15)
const perSecond = Number(process.env.OUTAGE_PER_SECOND ?? 80)
/** Memory that a process takes for itself in its first minutes is no slope. */
const isLong = seconds >= 120

let both: Twins

beforeAll(async () => {
  both = await twins(slim)
}, 60_000)

afterAll(async () => {
  await both?.[Symbol.asyncDispose]()
})

/** Load on both proxies in turns for so long; milliseconds of the calls that were answered at once, by proxy. */
async function loaded(forSeconds: number) {
  const took = new Map<number, number[]>([both.without, both.withMongo].map(({ port }) => [port, []]))
  let turn = 0
  const load = pacedLoad({
    port: () => (++turn % 2 === 0 ? both.without : both.withMongo).port,
    perSecond,
    kinds: ['quick', 'quick', 'json', 'stream', 'upload', 'leave'],
    ledger: both.calls.ledger,
    nextCall: both.calls.nextCall,
    seed: 42,
    excused: () => false,
    ended: ({ kind, tookMs, port }) => kind === 'quick' && took.get(port)!.push(tookMs),
  })
  await pause(forSeconds * 1_000)
  await load.stop()
  return { plain: took.get(both.without.port)!, away: took.get(both.withMongo.port)! }
}

/** Milliseconds that a MongoDB, there or not, adds to a call. */
const addedBy = ({ plain, away }: { plain: number[]; away: number[] }) => ({
  p50: median(away) - median(plain),
  p99: quantile(away, 0.99) - quantile(plain, 0.99),
})

it(
  `answers as fast and in as much memory while MongoDB is away for ${seconds} s, and then brings all of it there (40, 42)`,
  async () => {
    const warming = watchMemory(both.withMongo.pid, 200)
    const before = addedBy(await loaded(isLong ? 60 : 6))
    await delivered(both.withMongo.url, 60_000)
    // what the first outage makes a process load and cache is not what a long one costs
    await both.link.refuse()
    await loaded(isLong ? 60 : 6)
    await both.link.accept()
    await delivered(both.withMongo.url, 120_000)
    warming.stop()
    await both.link.refuse()
    const memory = watchMemory(both.withMongo.pid, 200)
    const beside = watchMemory(both.without.pid, 200)
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
        const health = await healthOf(both.withMongo.url)
        return health.records.pending === 0 ? health : null
      },
      60_000,
      100,
    )
    const backlog = sinks.mongodb!.pending
    await both.link.accept()
    const first = both.mongo.ids('telemetry').length
    await eventually('the first record after the outage', () => both.mongo.ids('telemetry').length > first, 120_000)
    const fromMs = performance.now()
    await delivered(both.withMongo.url, 300_000)
    const perSecondBack = backlog / ((performance.now() - fromMs) / 1_000)
    console.log(
      `MongoDB away for ${seconds} s at ${perSecond} calls/s: p50 ${median(plain).toFixed(1)} ms without and ${median(away).toFixed(1)} ms with it, ` +
        `p99 ${quantile(plain, 0.99).toFixed(1)} and ${quantile(away, 0.99).toFixed(1)} ms ` +
        `(added before the outage: p50 ${before.p50.toFixed(1)} ms, p99 ${before.p99.toFixed(1)} ms); memory at most ${Math.round(memory.peakMib)} MiB, ${Math.round(grownMib)} MiB more than before; ` +
        `${isLong ? `${slopes.away.toFixed(2)} MiB a minute, without a MongoDB ${slopes.plain.toFixed(2)} (at most ${Math.round(beside.peakMib)} MiB); ` : ''}${backlog} records back-filled at ${Math.round(perSecondBack)} a second`,
    )
    await delivered(both.without.url, 60_000)
    const { kept, counted } = keptInFake(both.mongo)
    expect(losses(both.calls.ledger.compare([...keptInDatabase(both.without.dataDir).kept, ...kept]))).toEqual(none)
    expect(new Set(both.mongo.ids('llm_runs'))).toEqual(new Set(both.mongo.ids('telemetry')))
    if (counted !== kept.length)
      await eventually('the totals', () => keptInFake(both.mongo).counted === kept.length, 30_000)
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
