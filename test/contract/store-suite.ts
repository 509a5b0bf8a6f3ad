import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outcomes } from '../../src/records/outcome.ts'
import type { PurgeWish } from '../../src/records/purge.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { type Store, Unanswerable, type UsageGroup, type UsageQuery } from '../../src/stores/store.ts'
import { unpricedCalls } from '../../src/stores/unpriced.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { type DaysKept, deletionSuite } from './deletion-suite.ts'
import { expectedUsage } from './usage-oracle.ts'

/** A fresh, empty store and the way records get into it. */
export interface StoreUnderTest {
  store: Store
  write(records: readonly StoredRecord[]): Promise<void>
  /** Carries out a purge that is asked for at this moment. */
  purge(wish: Omit<PurgeWish, 'dry'>, nowMs: number): Promise<void>
  /** Deletes what is older at this moment than it is to be kept. */
  expire(days: DaysKept, nowMs: number): Promise<void>
  close(): Promise<void>
}

/** What every store promises, whatever it is made of. */
export function storeSuite(name: string, make: () => Promise<StoreUnderTest>, { cases = 40 } = {}): void {
  describe(`${name} as a store`, () => {
    let under: StoreUnderTest

    beforeEach(async () => {
      under = await make()
    })
    afterEach(async () => {
      await under.close()
    })

    describe('usage', () => {
      it('adds up to exactly what the records say, for every grouping, filter and zone', async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(someRecord, { minLength: 1, maxLength: 60 }),
            fc.array(aQuery, { minLength: 12, maxLength: 12 }),
            async (records, queries) => {
              const fresh = await make()
              try {
                await fresh.write(records)
                for (const { project, query } of queries) await expectExact(fresh.store, records, project, query)
              } finally {
                await fresh.close()
              }
            },
          ),
          { numRuns: cases },
        )
      }, 60_000)

      it('groups by local hours and days over a change of the clocks, and in a zone of half hours', async () => {
        const clockChange = Date.UTC(2026, 9, 25, 1)
        const records = Array.from({ length: 400 }, (_, index) =>
          aRecord({ atMs: clockChange + (index - 200) * 900_000 + (index % 7) * 1000 }),
        )
        await under.write(records)
        for (const timeZone of ['Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns']) {
          for (const unit of ['hour', 'day'] as const)
            await expectExact(under.store, records, null, { groupBy: [unit], timeZone })
        }
      })

      it('tells which calls have no price, and why, by the model: the newest reason', async () => {
        const call = (daysAgo: number, model: string | null, reason: string | null, more: object = {}) =>
          aRecord({
            atMs: aMoment - daysAgo * 86_400_000,
            metadata: {
              ...{ model_requested: model, unpriced_reason: reason, price_version: null },
              ...(reason !== null && { cost_picodollars: null, cost_usd: null }),
              ...more,
            },
          })
        const noTokens = { prompt_tokens: null, completion_tokens: null, total_tokens: null, token_source: 'none' }
        const reranked = storedNames({ ...unknownUsage, searchUnits: 2 })
        const newest = call(1, 'house', 'no price for openai/house')
        const records = [
          call(3, 'house', 'openai has no price list'),
          newest,
          // after it, and no reasons for what is asked
          call(0, 'house', null),
          call(0, 'house', 'no tokens counted', { ...noTokens, usage: null }),
          call(2, null, 'no model named by openai'),
          call(2, 'ours', 'no price for cohere/ours', {
            ...noTokens,
            provider: 'cohere',
            usage: reranked,
            project_id: 'b',
          }),
        ]
        await under.write(records)
        const house = { provider: 'openai', model: 'house', calls: 2, reason: 'no price for openai/house' }
        const all = await unpricedCalls(under.store, null, {})
        expect(all).toMatchObject({ calls: 4, truncated: false })
        expect(all.models[0]).toEqual({ ...house, call: newest.telemetry._id })
        expect(all.models.map(({ provider, model, calls, reason }) => [provider, model, calls, reason]).sort()).toEqual(
          [
            ['cohere', 'ours', 1, 'no price for cohere/ours'],
            ['openai', null, 1, 'no model named by openai'],
            ['openai', 'house', 2, 'no price for openai/house'],
          ],
        )
        const earlier = await unpricedCalls(under.store, 'acme', { toMs: aMoment - 2 * 86_400_000, model: 'house' })
        expect(earlier.models.map(({ reason }) => reason)).toEqual(['openai has no price list'])
        const { models } = await unpricedCalls(under.store, 'acme', { user: 'ada', model: 'house' })
        expect(models).toEqual([{ ...house, provider: null, call: newest.telemetry._id }])
        expect(await unpricedCalls(under.store, 'nobody', {})).toEqual({ calls: 0, models: [], truncated: false })
      })

      it('names the two hours of a clock change apart', async () => {
        const first = Date.UTC(2026, 9, 25, 0, 30)
        await under.write([aRecord({ atMs: first }), aRecord({ atMs: first + 3_600_000 })])
        const { groups } = await under.store.usage('acme', { groupBy: ['hour'], timeZone: 'Europe/Berlin' })
        expect(groups.map(({ group }) => group.hour)).toEqual(['2026-10-25T02:00+02:00', '2026-10-25T02:00+01:00'])
      })

      it('leaves model lists and probes out of the averages unless asked', async () => {
        await under.write([aRecord(), aRecord({ metadata: { operation: 'models' } })])
        expect((await under.store.usage(null, { groupBy: [] })).totals.requests).toBe(1)
        expect((await under.store.usage(null, { groupBy: [], operations: 'all' })).totals.requests).toBe(2)
      })

      it('counts no record twice that was written twice', async () => {
        const record = aRecord()
        await under.write([record])
        await under.write([record, aRecord()])
        expect((await under.store.usage(null, { groupBy: [] })).totals.requests).toBe(2)
      })

      it('keeps money exact beyond what a double holds', async () => {
        const metadata = { cost_picodollars: '9007199254740993' }
        await under.write([aRecord({ metadata }), aRecord({ metadata })])
        expect((await under.store.usage(null, { groupBy: [] })).totals.cost_picodollars).toBe('18014398509481986')
      })

      it('answers an empty store with zeros', async () => {
        const answer = await under.store.usage(null, { groupBy: ['day'] })
        expect(answer.groups).toEqual([])
        expect(answer.totals).toMatchObject({ requests: 0, cost_picodollars: '0', latency_ms: null })
      })

      it('says when there are more groups than asked for, and totals still hold all', async () => {
        await under.write(
          [1, 2, 3].flatMap((count) =>
            Array.from({ length: count }, () => aRecord({ metadata: { llm_model: `m${count}` } })),
          ),
        )
        const answer = await under.store.usage(null, { groupBy: ['model'], limit: 2 })
        expect(answer.groups.map(({ group }) => group.model)).toEqual(['m3', 'm2'])
        expect(answer.truncated).toBe(true)
        expect(answer.totals.requests).toBe(6)
      })

      it('puts time in order and the largest first within it, and keeps the newest when there is too much', async () => {
        const at = (hours: number, llm_model: string) =>
          aRecord({ atMs: Date.UTC(2026, 10, 20, hours), metadata: { llm_model } })
        await under.write([at(1, 'small'), at(2, 'large'), at(3, 'large'), at(-5, 'small')])
        const answer = await under.store.usage(null, { groupBy: ['day', 'model'] })
        expect(answer.groups.map(({ group }) => `${group.day} ${group.model}`)).toEqual([
          '2026-11-19 small',
          '2026-11-20 large',
          '2026-11-20 small',
        ])
        const newest = await under.store.usage(null, { groupBy: ['day'], limit: 1 })
        expect(newest).toMatchObject({ groups: [{ group: { day: '2026-11-20' } }], truncated: true })
      })

      it('refuses a grouping that does not exist, by name', async () => {
        const groupBy = ['sums FROM rollups; --'] as unknown as UsageGroup[]
        await expect(under.store.usage(null, { groupBy })).rejects.toMatchObject({ parameter: 'group_by' })
      })

      it('names the parameter of a zone that does not exist', async () => {
        const asked = under.store.usage(null, { groupBy: ['day'], timeZone: 'Mars/Olympus' })
        await expect(asked).rejects.toThrow(Unanswerable)
        await expect(asked).rejects.toMatchObject({ parameter: 'tz' })
      })

      it('tells percentiles within one per cent, mean and maximum exactly', async () => {
        const latencies = Array.from({ length: 1000 }, (_, index) => (index + 1) * 1.5)
        await under.write(latencies.map((latency_ms) => aRecord({ metadata: { latency_ms } })))
        const found = (await under.store.usage(null, { groupBy: [] })).totals.latency_ms
        expect(found?.mean).toBeCloseTo(750.75, 9)
        expect(found?.max).toBe(1500)
        for (const [value, exact] of [
          [found?.p50, 750],
          [found?.p95, 1425],
          [found?.p99, 1485],
        ] as const)
          expect(Math.abs((value ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.01 + 1e-9)
      })
    })

    describe('runs', () => {
      it('pages newest first, each call once, while new ones arrive', async () => {
        const records = Array.from({ length: 25 }, (_, index) => aRecord({ atMs: aMoment + Math.floor(index / 3) }))
        await under.write(records)
        const seen: string[] = []
        let cursor: string | undefined
        do {
          const page = await under.store.runs('acme', { limit: 4, ...(cursor === undefined ? {} : { cursor }) })
          seen.push(...page.items.map(({ telemetry }) => telemetry._id))
          cursor = page.nextCursor ?? undefined
          await under.write([aRecord({ atMs: aMoment + 100_000 })])
        } while (cursor !== undefined)
        const order = records
          .map(({ telemetry }) => telemetry)
          .sort((one, other) => other.timestamp_ms - one.timestamp_ms || (one._id < other._id ? 1 : -1))
        expect(seen).toEqual(order.map(({ _id }) => _id))
      })

      it('ends without a cursor when the last call was on the page', async () => {
        await under.write([aRecord(), aRecord()])
        const page = await under.store.runs(null, { limit: 2 })
        expect(page).toMatchObject({ nextCursor: null, total: 2 })
        expect(page.items[0]).toMatchObject({ prompt: 'Say hello to the world', completion: 'Hello, world!' })
      })

      it('skips as told, up to a bound that it names', async () => {
        await under.write(Array.from({ length: 5 }, (_, index) => aRecord({ atMs: aMoment + index })))
        const page = await under.store.runs(null, { limit: 10, skip: 3 })
        expect(page.items.map(({ telemetry }) => telemetry.timestamp_ms)).toEqual([aMoment + 1, aMoment])
        await expect(under.store.runs(null, { limit: 1, skip: 10_001 })).rejects.toMatchObject({ parameter: 'skip' })
      })

      it.each([
        ['key', { key: 'k2' }, { key_id: 'k2' }],
        ['user', { user: 'bob' }, { user_id: 'bob' }],
        ['session', { session: 's2' }, { session_id: 's2' }],
        ['model', { model: 'm2' }, { llm_model: 'm2' }],
        ['provider', { provider: 'groq' }, { provider: 'groq' }],
        ['outcome', { outcome: 'client_cut' }, { outcome: 'client_cut' }],
        ['status code', { statusCode: 429 }, { status_code: 429 }],
        ['status', { status: 'error' }, { outcome: 'upstream_cut' }],
        ['operation', { operation: 'embeddings' }, { operation: 'embeddings' }],
        ['every operation but model calls', { operation: 'models' }, { operation: 'models' }],
        ['least latency', { latencyMinMs: 500 }, { latency_ms: 500 }],
        ['greatest latency', { latencyMaxMs: 10 }, { latency_ms: 10 }],
        ['least tokens', { tokensMin: 100 }, { total_tokens: 100 }],
        ['most tokens', { tokensMax: 3 }, { total_tokens: 3 }],
      ] as const)('filters by %s', async (_name, filter, metadata) => {
        const wanted = aRecord({ metadata })
        await under.write([aRecord(), wanted, aRecord({ metadata: { ...metadata, project_id: 'other' } })])
        const page = await under.store.runs('acme', { limit: 10, ...filter })
        expect(page.items.map(({ telemetry }) => telemetry)).toEqual([wanted.telemetry])
        expect(page.total).toBe(1)
      })

      it('finds text as a literal substring, in any case, in prompt or completion', async () => {
        const said = aRecord({ run: { prompt: 'Übung: 100% _sure_ \\ "quoted"', completion: null } })
        await under.write([said, aRecord()])
        const find = async (text: string) => (await under.store.runs(null, { limit: 10, text })).items.length
        expect(await find('übung: 100% _SURE_ \\ "q')).toBe(1)
        expect(await find('1%0')).toBe(0)
        expect(await find('%')).toBe(1)
        expect(await find('hello, WORLD')).toBe(1)
        expect(await find("' OR 1=1 --")).toBe(0)
      })

      it('takes the time from (inclusive) and to (exclusive)', async () => {
        await under.write([0, 1, 2].map((more) => aRecord({ atMs: aMoment + more })))
        const page = await under.store.runs(null, { limit: 10, fromMs: aMoment + 1, toMs: aMoment + 2 })
        expect(page.items.map(({ telemetry }) => telemetry.timestamp_ms)).toEqual([aMoment + 1])
      })

      it.each(['', 'x', 'bm9uc2Vuc2U', '../../etc'])(
        'names the parameter of a cursor that is none of ours: %j',
        async (cursor) => {
          await expect(under.store.runs(null, { limit: 1, cursor })).rejects.toMatchObject({ parameter: 'cursor' })
        },
      )
    })

    describe('one call', () => {
      it('comes back as it was written, with the times of its pieces', async () => {
        const record = aRecord({ run: { prompt: 'nul \0 and 😀', completion: '' } })
        await under.write([record])
        const found = await under.store.run('acme', record.telemetry._id)
        expect(found).toEqual({
          telemetry: record.telemetry,
          run: record.run,
          chunkTimes: [
            [182.5, 62],
            [204, 128],
            [223.25, 142],
          ],
        })
      })

      it('gives back the exact bytes, also of a compressed copy, an empty one and one that was not kept', async () => {
        const bytes = new TextEncoder().encode('data: {"piece":1}\n\n'.repeat(500))
        const packed = aRecord({
          responseBytes: zstdCompressSync(bytes),
          requestBytes: new Uint8Array(0),
          run: {
            response_body: {
              size: bytes.length + 7,
              sha256: null,
              kept: bytes.length,
              truncated: true,
              coding: 'zstd',
              content_type: 'text/event-stream',
              content_encoding: 'gzip',
            },
          },
        })
        const bare = aRecord({ responseBytes: null })
        await under.write([packed, bare])
        const id = packed.telemetry._id
        expect(await under.store.body('acme', id, 'response')).toEqual({
          bytes: new Uint8Array(bytes),
          truncated: true,
          contentType: 'text/event-stream',
          contentEncoding: 'gzip',
        })
        expect((await under.store.body('acme', id, 'request'))?.bytes).toEqual(new Uint8Array(0))
        expect(await under.store.body('acme', bare.telemetry._id, 'response')).toBeNull()
      })

      it('of another project does not exist', async () => {
        const record = aRecord({ metadata: { project_id: 'theirs' } })
        await under.write([record])
        const id = record.telemetry._id
        expect(await under.store.run('acme', id)).toBeNull()
        expect(await under.store.body('acme', id, 'request')).toBeNull()
        expect((await under.store.runs('acme', { limit: 10 })).items).toEqual([])
        expect((await under.store.usage('acme', { groupBy: ['project'] })).groups).toEqual([])
        expect(await under.store.run(null, id)).not.toBeNull()
      })
    })

    deletionSuite(() => under, make, cases)

    it('tells how much it holds', async () => {
      await under.write([aRecord(), aRecord()])
      const status = await under.store.status()
      expect(status.counts).toMatchObject({ telemetry: 2, llm_runs: 2 })
      expect(status.schemaVersion).toBeGreaterThan(0)
    })
  })
}

const hour = 3_600_000

/** A moment near borders of hours, days, months and changes of the clocks in Europe. */
const someTime = fc
  .tuple(
    fc.constantFrom(
      Date.UTC(2026, 2, 29, 1),
      Date.UTC(2026, 9, 25, 1),
      Date.UTC(2026, 9, 24, 22),
      Date.UTC(2026, 9, 24, 18, 30),
      Date.UTC(2026, 10, 1),
    ),
    fc.integer({ min: -30 * 4, max: 30 * 4 }),
    fc.constantFrom(-1, 0, 1, 61_234),
  )
  .map(([border, quarters, ms]) => border + quarters * (hour / 4) + ms)

const tokens = fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 5000 }))

const someRecord = fc
  .record({
    atMs: someTime,
    project_id: fc.constantFrom('acme', 'beta'),
    key_id: fc.constantFrom('k1', 'k2', null),
    user_id: fc.constantFrom('ada', 'bob', null),
    provider: fc.constantFrom('openai', 'ollama'),
    llm_model: fc.constantFrom('m1', 'm2', null),
    outcome: fc.constantFrom(...outcomes),
    operation: fc.constantFrom('chat', 'embeddings', 'models'),
    latency_ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
    ttft_ms: fc.constantFrom(null, 0, 12.5),
    input: tokens,
    output: tokens,
    cacheRead: tokens,
    images: fc.constantFrom(null, 0, 2),
    token_source: fc.constantFrom('reported', 'estimated', 'none'),
    cost_picodollars: fc.constantFrom(null, '0', '123456789012345', '9007199254740993'),
    request_size: fc.integer({ min: 0, max: 1e6 }),
    gapsMs: fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { maxLength: 5 }),
  })
  .map(({ atMs, gapsMs, input, output, cacheRead, images, ...metadata }) =>
    aRecord({
      atMs,
      gapsMs,
      metadata: {
        ...metadata,
        total_tokens: input === null && output === null ? null : (input ?? 0) + (output ?? 0),
        prompt_tokens: input,
        completion_tokens: output,
        usage: { ...storedNames(unknownUsage), input, output, cache_read: cacheRead, images },
      },
    }),
  )

const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(values, { nil: undefined, freq: 3 })

const names: readonly UsageGroup[] = ['project', 'key', 'user', 'model', 'provider', 'outcome']

const aQuery: fc.Arbitrary<{ project: string | null; query: UsageQuery }> = fc
  .record({
    project: fc.constantFrom('acme', 'beta', 'nobody', null),
    by: fc.subarray([...names], { maxLength: 3 }),
    unit: optional(fc.constantFrom('hour' as const, 'day' as const)),
    timeZone: optional(fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns')),
    operations: optional(fc.constantFrom('model' as const, 'all' as const)),
    key: optional(fc.constant('k1')),
    user: optional(fc.constant('ada')),
    model: optional(fc.constant('m1')),
    provider: optional(fc.constant('ollama')),
    outcome: optional(fc.constantFrom('ok' as const, 'client_cut' as const)),
    fromMs: optional(someTime),
    toMs: optional(someTime),
  })
  .map(({ project, by, unit, ...rest }) => {
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
    return { project, query: { groupBy: unit === undefined ? by : [...by, unit], ...given } }
  })

async function expectExact(
  store: Store,
  records: readonly StoredRecord[],
  project: string | null,
  query: UsageQuery,
): Promise<void> {
  const answer = await store.usage(project, query)
  const expected = expectedUsage(records, project, query)
  const [whole] = expectedUsage(records, project, { ...query, groupBy: [] }).values()
  if (whole === undefined) expect(answer.totals.requests).toBe(0)
  else expect(answer.totals).toMatchObject(whole.sums)
  if (query.groupBy.length === 0) return
  expect(answer.groups.length).toBe(expected.size)
  for (const row of answer.groups) {
    const wanted = expected.get(JSON.stringify(query.groupBy.map((name) => row.group[name])))
    expect(wanted?.group, `a group that no record has, for ${JSON.stringify(query)}`).toEqual(row.group)
    expect(row).toMatchObject(wanted?.sums ?? {})
    const latencies = wanted?.latencies ?? []
    expect(row.latency_ms?.max).toBe(Math.max(...latencies))
    const mean = latencies.reduce((sum, one) => sum + one, 0) / latencies.length
    expect(Math.abs((row.latency_ms?.mean ?? 0) - mean)).toBeLessThan(0.001)
  }
}
