import { expect, it } from 'vitest'
import { type FaultLink, faultLink } from '../support/fault-link.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { readSamples, sampleOf } from '../support/prometheus-text.ts'
import type { TestProxy } from '../support/proxy.ts'
import { pause } from '../support/within.ts'
import { type Counters, type Health, healthOf } from './health.ts'
import { type MongoRig, mongoRig } from './mongo-rig.ts'

const names = ['accepted', 'stored', 'pending', 'quarantined', 'dropped'] as const

/** Who is asked again and again while `work` goes on; whatever they answer in between is in `seen`. */
async function watched(proxy: TestProxy, work: () => Promise<unknown>) {
  const headers = { authorization: `Bearer ${proxy.adminToken}` }
  const seen = { health: [] as Health[], metrics: [] as Metrics[], status: [] as Status[] }
  let over = false
  const watch = async (look: () => Promise<unknown>) => {
    while (!over) {
      await look()
      await pause(50)
    }
  }
  const watching = Promise.all([
    watch(async () => seen.health.push(await healthOf(proxy.url))),
    watch(async () => {
      const answer = await fetch(`${proxy.url}/metrics`, { headers })
      expect(answer.status).toBe(200)
      seen.metrics.push(metricsIn(await answer.text()))
    }),
    watch(async () => {
      const body = (await (await fetch(`${proxy.url}/db-status`, { headers })).json()) as Omit<Status, 'accepted'>
      const { records } = await healthOf(proxy.url)
      seen.status.push({ ...body, accepted: records.accepted })
    }),
  ])
  try {
    await Promise.race([work(), watching])
  } finally {
    over = true
  }
  await watching
  return seen
}

interface Metrics {
  records: Counters & { unprotected: number }
  sink: Counters
}

interface Status {
  status: string
  error?: string
  collections: Record<string, number>
  /** What `/health` said right after it. */
  accepted: number
}

function metricsIn(text: string): Metrics {
  const samples = readSamples(text)
  const value = (name: string, labels = {}): number => sampleOf(samples, `sightglass_${name}`, labels) ?? Number.NaN
  const counters = (of: (name: (typeof names)[number]) => number) =>
    Object.fromEntries(names.map((name) => [name, of(name)])) as Record<(typeof names)[number], number>
  return {
    records: {
      ...counters((name) => value(name === 'pending' ? 'records_pending' : `records_${name}_total`)),
      unprotected: value('unprotected_calls_total'),
    },
    sink: counters((state) => value('sink_records', { sink: 'mongodb', state })),
  }
}

const added = ({ stored, pending, quarantined, dropped }: Counters): number => stored + pending + quarantined + dropped
const falls = (values: readonly number[]): number[] => values.filter((value, at) => at > 0 && value < values[at - 1]!)
const mongoOf = ({ services }: Health): string => services.mongodb!.state

await suiteWithMongo('every look at the counters', (server) => {
  const outage = async (rig: MongoRig, link: FaultLink) => {
    const is = (states: readonly string[]) =>
      rig.healthOnce(`MongoDB to be ${states.join(' or ')}`, ({ state }) => states.includes(state), 60_000)
    await rig.load(2, async () => {
      await pause(1_000)
      await link.refuse()
      await is(['degraded', 'down'])
      await pause(5_500) // so long is a scrape the same one
      await link.accept()
      await is(['ok'])
    })
    await rig.delivered(120_000)
    await pause(5_500)
  }

  it.skipIf(server.kind === 'given')(
    'finds a sum that is right, on every page, while records flow and MongoDB goes and comes back (T2, D12)',
    async () => {
      await using link = await faultLink(Number(new URL(server.uri).port))
      await using rig = await mongoRig(`mongodb://127.0.0.1:${link.port}/?directConnection=true`, server.database())
      const { health, metrics, status } = await watched(rig.proxy, () => outage(rig, link))

      const looks = [...health.map(({ records, sinks }) => ({ records, sink: sinks.mongodb! })), ...metrics]
      expect(looks.length).toBeGreaterThan(50)
      const wrong = looks.flatMap(({ records, sink }) => [records, sink]).filter((one) => one.accepted !== added(one))
      expect(wrong).toEqual([])
      expect(looks.filter(({ records }) => records.unprotected !== 0)).toEqual([])
      for (const all of [health.map(({ records }) => records), metrics.map(({ records }) => records)])
        for (const name of ['accepted', 'stored'] as const) expect(falls(all.map((one) => one[name]))).toEqual([])
      for (const all of [health.map(({ sinks }) => sinks.mongodb!), metrics.map(({ sink }) => sink)])
        for (const name of ['accepted', 'stored'] as const) expect(falls(all.map((one) => one[name]))).toEqual([])
      expect(health.filter(({ records, sinks }) => sinks.mongodb!.accepted > records.accepted)).toEqual([])

      expect(status.filter(({ error }) => error !== undefined)).toEqual([])
      expect(new Set(status.map((one) => one.status))).toEqual(new Set(['connected', 'fallback']))
      const more = status.filter(
        ({ collections, accepted }) => Math.max(collections.telemetry!, collections.llm_runs!) > accepted,
      )
      expect(more).toEqual([])

      // something went on at every look that could have been wrong
      expect(new Set(health.map(mongoOf))).toContain('ok')
      expect(health.some((one) => mongoOf(one) !== 'ok' && one.sinks.mongodb!.pending > 0)).toBe(true)
      expect(new Set(health.map(({ records }) => records.stored)).size).toBeGreaterThan(10)
      expect(new Set(metrics.map(({ sink }) => sink.stored)).size).toBeGreaterThan(1)
      expect(metrics.some(({ sink }) => sink.pending > 0)).toBe(true)
      expect(metrics.at(-1)?.sink).toEqual(health.at(-1)?.sinks.mongodb)
    },
    240_000,
  )
})
