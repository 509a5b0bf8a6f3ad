import fc from 'fast-check'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Refused } from '../../../src/delivery/sink.ts'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { telemetryFrom } from '../../../src/stores/mongodb/documents.ts'
import { openMongoSink, openMongoStore } from '../../../src/stores/mongodb/index.ts'
import { levelNames } from '../../../src/stores/rollups/levels.ts'
import { openOutbox } from '../../../src/stores/sqlite/outbox.ts'
import type { UsageGroup } from '../../../src/stores/store.ts'
import { expectedUsage } from '../../contract/usage-oracle.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { aMoment, aRecord } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'

const { signal } = new AbortController()
const bytes = 8 * 1024 * 1024
const hour = 3_600_000

/**
 * What becomes of a batch: taken; written, and its answer lost, so that it comes again; or given up, and written behind the
 * back of what comes after it.
 */
const fates = ['taken', 'lost', 'late'] as const

const aCall = fc.record({
  atMs: fc.constantFrom(aMoment, aMoment + hour, aMoment + 24 * hour),
  project_id: fc.constantFrom('acme', 'beta'),
  key_id: fc.constantFrom('k1', null),
  user_id: fc.constantFrom('ada', null),
  llm_model: fc.constantFrom('m1', 'm2'),
  outcome: fc.constantFrom('ok' as const, 'client_cut' as const),
  cost_picodollars: fc.constantFrom(null, '0', '123456789012345'),
})
const sending = { limit: fc.integer({ min: 1, max: 8 }), fate: fc.constantFrom(...fates) }
/** An instance has more calls, sends some of what waits, and then perhaps a batch of before once more, out of its time. */
const steps = fc.array(
  fc.record({
    instance: fc.nat({ max: 1 }),
    calls: fc.array(aCall, { maxLength: 3 }),
    records: fc.record(sending),
    totals: fc.record(sending),
    again: fc.option(fc.nat(), { freq: 2 }),
  }),
  { minLength: 1, maxLength: 12 },
)

await suiteWithMongo('rollups of two instances', (server) => {
  const client = new MongoClient(server.uri)
  const database = server.database()
  const db = client.db(database)
  const sinks = ['one', 'other'].map((name) =>
    openMongoSink({ uri: server.uri, database, instance: name, log: listeningLog() }),
  )
  const store = openMongoStore({ uri: server.uri, database })
  beforeAll(async () => {
    await client.connect()
    for (const sink of sinks) await sink.check?.(signal)
  })
  afterAll(async () => {
    for (const one of [...sinks, store, client]) await one.close()
  })

  /** Embedded databases whose lines lead to the sinks. */
  function instances() {
    const behind: Promise<boolean>[] = []
    const earlier: (() => Promise<boolean>)[] = []
    const all = sinks.map((sink) => {
      const embedded = aDatabase()
      const outbox = openOutbox({
        path: embedded.path,
        sinks: [{ name: 'far', target: 'there' }],
        clock: { wall: () => aMoment },
      })
      /** True: there was something. */
      const send = async (
        kind: 'records' | 'totals',
        limit: number,
        fate: (typeof fates)[number],
      ): Promise<boolean> => {
        const batch = kind === 'records' ? outbox.next('far', { records: limit, bytes }) : []
        const changed = kind === 'totals' ? outbox.changedRollups('far', limit) : []
        if (batch.length + changed.length === 0) return false
        const records = batch.map(({ record }) => record)
        const rows = changed.map(({ row }) => row)
        /** False: it failed, as a busy server may, and comes again. */
        const write = async (): Promise<boolean> => {
          try {
            await (kind === 'records' ? sink.write(records, signal) : sink.writeRollups(rows, signal))
            return true
          } catch (error) {
            if (error instanceof Refused) throw error
            return false
          }
        }
        earlier.push(write)
        if (fate === 'late') {
          behind.push(write())
          return true
        }
        if (!(await write()) || fate === 'lost') return true
        if (kind === 'records') outbox.settle('far', batch.at(-1)!.place, [])
        else outbox.settleRollups('far', changed.at(-1)!.version)
        return true
      }
      return {
        send,
        store: (records: readonly StoredRecord[]) => embedded.local.commit({ ...emptyBatch, records }),
        close() {
          outbox.close()
          embedded.remove()
        },
      }
    })
    return { all, behind, earlier }
  }

  const telemetry = async (): Promise<StoredRecord[]> =>
    (await db.collection('telemetry').find().toArray()).map((document) => ({
      ...aRecord(),
      telemetry: telemetryFrom(document),
    }))

  it('are the sum over telemetry, however their batches mingle, are lost, come late and come again (D4, X6)', async () => {
    let lateOnes = 0
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        for (const name of ['telemetry', 'llm_runs', 'rollups']) await db.collection(name).deleteMany({})
        const { all, behind, earlier } = instances()
        try {
          let stored = 0
          for (const { instance, calls, records, totals, again } of taken) {
            const one = all[instance]!
            one.store(calls.map(({ atMs, ...metadata }) => aRecord({ atMs, metadata })))
            stored += calls.length
            await one.send('records', records.limit, records.fate)
            await one.send('totals', totals.limit, totals.fate)
            if (again !== null) await earlier[again % Math.max(earlier.length, 1)]?.()
          }
          for (const { send } of all)
            for (const kind of ['records', 'totals'] as const) while (await send(kind, 100, 'taken'));
          await Promise.all(behind)
          for (const write of earlier.toReversed()) await write()
          lateOnes += behind.length

          const found = await telemetry()
          expect(found).toHaveLength(stored)
          for (const level of levelNames) {
            const rows = await db.collection('rollups').find({ level }).toArray()
            expect([level, rows.reduce((sum, { requests }) => sum + Number(requests), 0)]).toEqual([level, stored])
          }
          const by: UsageGroup[][] = [['project', 'model', 'outcome', 'hour'], ['key', 'day'], ['user', 'day'], []]
          for (const groupBy of by) {
            const usage = await store.usage(null, { groupBy })
            const rows = groupBy.length === 0 ? [{ group: {}, ...usage.totals }] : usage.groups
            const expected = expectedUsage(found, null, { groupBy })
            if (stored > 0) expect(rows).toHaveLength(expected.size)
            for (const [name, { sums }] of expected)
              expect(
                rows.find(({ group }) => JSON.stringify(groupBy.map((each) => group[each])) === name),
              ).toMatchObject(sums)
          }
        } finally {
          await Promise.allSettled(behind)
          for (const one of all) one.close()
        }
      }),
      { numRuns: 25 },
    )
    expect(lateOnes).toBeGreaterThan(0)
  }, 180_000)
})
