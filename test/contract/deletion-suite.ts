import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PurgeWish } from '../../src/records/purge.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { Store, UsageGroup } from '../../src/stores/store.ts'
import { aMoment, aRecord } from '../support/records.ts'
import type { StoreUnderTest } from './store-suite.ts'

/** Days that things are kept; 0: for ever. */
export interface DaysKept {
  telemetry: number
  llm_runs: number
  bodies: number
  rollups: number
}

export const keptForEver: DaysKept = { telemetry: 0, llm_runs: 0, bodies: 0, rollups: 0 }

const hour = 3_600_000
const day = 24 * hour
const nowMs = aMoment + 5 * day

/** What every store promises of purges and of days of retention. */
export function deletionSuite(under: () => StoreUnderTest, make: () => Promise<StoreUnderTest>, cases: number): void {
  const idsIn = async (store: Store): Promise<string[]> =>
    (await store.runs(null, { limit: 1_000, operation: 'all' })).items.map(({ telemetry }) => telemetry._id).sort()
  const idsOf = (records: readonly StoredRecord[]): string[] => records.map(({ telemetry }) => telemetry._id).sort()
  const sums = async (store: Store, groupBy: readonly UsageGroup[]) => {
    const { groups } = await store.usage(null, { groupBy, operations: 'all', limit: 10_000 })
    return Object.fromEntries(
      groups.map(({ group, requests }) => [groupBy.map((name) => group[name]).join(), requests]),
    )
  }

  describe('a purge', () => {
    it('leaves every call that it is not about, and the sums that are not wholly about it', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(someRecord, { minLength: 1, maxLength: 40 }), someWish, async (records, wish) => {
          const fresh = await make()
          try {
            await fresh.write(records)
            await fresh.purge(wish, nowMs)
            expect(await idsIn(fresh.store)).toEqual(idsOf(records.filter((record) => !isMeant(record, wish))))
            for (const groupBy of [['project', 'day'], ['user', 'day'], ['key', 'day'], ['hour']] as const)
              expect(await sums(fresh.store, groupBy)).toEqual(expectedSums(records, wish, groupBy))
            const late = aRecord({ atMs: nowMs + 1, metadata: { user_id: 'ada', project_id: 'acme' } })
            await fresh.write([late])
            expect(await idsIn(fresh.store)).toContain(late.telemetry._id)
            expect((await sums(fresh.store, ['user', 'day']))[`ada,${dayOf(late)}`]).toBe(1)
          } finally {
            await fresh.close()
          }
        }),
        { numRuns: cases },
      )
    }, 120_000)

    it('leaves nothing to be found of a call: not by id, not its bytes, not its text', async () => {
      const { store, write, purge } = under()
      const record = aRecord({ run: { prompt: 'a telling phrase' } })
      await write([record, aRecord({ metadata: { user_id: 'bob' } })])
      await purge({ project: null, user: 'ada', beforeMs: null }, nowMs)
      const id = record.telemetry._id
      expect([await store.run(null, id), await store.body(null, id, 'request')]).toEqual([null, null])
      expect((await store.runs(null, { limit: 10, text: 'telling' })).items).toEqual([])
      expect((await store.status()).counts).toMatchObject({ telemetry: 1, llm_runs: 1 })
    })
  })

  describe('days of retention', () => {
    const old = aMoment
    const young = aMoment + 2 * day
    const laterMs = aMoment + 31 * day
    const both = () => [aRecord({ atMs: old }), aRecord({ atMs: young })] as const

    it('let go of older calls, keep newer ones, and leave the sums exact (M15, X6)', async () => {
      const { store, write, expire } = under()
      const [gone, kept] = both()
      await write([gone, kept])
      const before = await store.usage(null, { groupBy: ['day', 'project'] })
      await expire({ ...keptForEver, telemetry: 30, llm_runs: 30 }, laterMs)
      expect(await idsIn(store)).toEqual([kept.telemetry._id])
      expect(await store.run(null, gone.telemetry._id)).toBeNull()
      expect((await store.run(null, kept.telemetry._id))?.run).toEqual(kept.run)
      expect(await store.usage(null, { groupBy: ['day', 'project'] })).toEqual(before)
    })

    it('for what was said take texts and bytes, and leave the numbers', async () => {
      const { store, write, expire } = under()
      const [gone, kept] = both()
      await write([gone, kept])
      await expire({ ...keptForEver, llm_runs: 30 }, laterMs)
      const { items } = await store.runs(null, { limit: 10 })
      expect(items.map(({ telemetry, prompt }) => [telemetry, prompt])).toEqual([
        [kept.telemetry, kept.run.prompt],
        [gone.telemetry, null],
      ])
      expect((await store.runs(null, { limit: 10, text: 'hello' })).items).toHaveLength(1)
      expect(await store.body(null, gone.telemetry._id, 'response')).toBeNull()
    })

    it('for bodies take the bytes, and say that none are kept', async () => {
      const { store, write, expire } = under()
      const [gone, kept] = both()
      const empty = aRecord({ atMs: old, requestBytes: new Uint8Array(0), chunkTimes: null })
      await write([gone, kept, empty])
      await expire({ ...keptForEver, bodies: 30 }, laterMs)
      const found = await store.run(null, gone.telemetry._id)
      const bare = (facts: StoredRecord['run']['request_body']) => ({ ...facts, kept: 0, truncated: facts.size > 0 })
      expect(found).toEqual({
        telemetry: gone.telemetry,
        run: { ...gone.run, request_body: bare(gone.run.request_body), response_body: bare(gone.run.response_body) },
        chunkTimes: null,
      })
      for (const side of ['request', 'response'] as const) {
        expect(await store.body(null, gone.telemetry._id, side)).toBeNull()
        expect(await store.body(null, kept.telemetry._id, side)).not.toBeNull()
      }
      expect((await store.run(null, empty.telemetry._id))?.run.request_body.truncated).toBe(false)
      await expire({ ...keptForEver, bodies: 30 }, laterMs)
      expect(await store.run(null, gone.telemetry._id)).toEqual(found)
    })

    it('for sums take days that ended before, and no other', async () => {
      const { store, write, expire } = under()
      await write([aRecord({ atMs: aMoment - 3 * day }), aRecord({ atMs: aMoment })])
      await expire({ ...keptForEver, rollups: 30 }, aMoment + 29 * day)
      expect(Object.keys(await sums(store, ['day']))).toEqual(['2026-11-20'])
    })

    it('with 0 let go of nothing', async () => {
      const { store, write, expire } = under()
      await write([aRecord({ atMs: 1_000_000_000_000 }), aRecord()])
      await expire(keptForEver, laterMs)
      expect(await idsIn(store)).toHaveLength(2)
      expect((await sums(store, ['day']))['2001-09-09']).toBe(1)
    })
  })
}

type Wish = Omit<PurgeWish, 'dry'>

const someMoment = fc
  .tuple(fc.integer({ min: -48, max: 48 }), fc.constantFrom(-1, 0, 1, 61_234))
  .map(([hours, ms]) => Date.UTC(2026, 10, 20) + hours * hour + ms)

const someRecord = fc
  .record({
    atMs: someMoment,
    project_id: fc.constantFrom('acme', 'beta'),
    user_id: fc.constantFrom('ada', 'bob', null),
    key_id: fc.constantFrom('ada', 'k1', null),
    operation: fc.constantFrom('chat', 'models'),
  })
  .map(({ atMs, ...metadata }) => aRecord({ atMs, metadata: { ...metadata, soeid: metadata.user_id } }))

const someWish: fc.Arbitrary<Wish> = fc
  .record({
    project: fc.constantFrom('acme', 'nobody', null),
    user: fc.constantFrom('ada', null),
    beforeMs: fc.option(someMoment),
  })
  .filter(({ project, user, beforeMs }) => project !== null || user !== null || beforeMs !== null)

const isMeant = ({ telemetry: { timestamp_ms, metadata } }: StoredRecord, { project, user, beforeMs }: Wish): boolean =>
  timestamp_ms < (beforeMs ?? nowMs) &&
  (project === null || metadata.project_id === project) &&
  (user === null || metadata.user_id === user)

const dayOf = ({ telemetry }: StoredRecord): string => telemetry.timestamp.slice(0, 10)

/** Calls by group, without those whose hour or day went, as docs/retention.md tells it. */
function expectedSums(
  records: readonly StoredRecord[],
  { project, user, beforeMs }: Wish,
  groupBy: readonly UsageGroup[],
) {
  const isHour = groupBy.includes('hour')
  const spanMs = isHour ? hour : day
  const found: Record<string, number> = {}
  for (const record of records) {
    const { timestamp_ms, metadata } = record.telemetry
    const endMs = (Math.floor(timestamp_ms / spanMs) + 1) * spanMs
    const goes =
      (project === null || metadata.project_id === project) &&
      (user === null || (groupBy.includes('user') && metadata.user_id === user)) &&
      (beforeMs === null || endMs <= beforeMs)
    if (goes) continue
    const names: Partial<Record<UsageGroup, string | null>> = {
      project: metadata.project_id,
      user: metadata.user_id,
      key: metadata.key_id,
      day: dayOf(record),
      hour: `${new Date(endMs - hour).toISOString().slice(0, 16)}Z`,
    }
    const name = groupBy.map((one) => names[one]).join()
    found[name] = (found[name] ?? 0) + 1
  }
  return found
}
