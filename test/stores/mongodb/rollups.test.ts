import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Refused, type RollupSink } from '../../../src/delivery/sink.ts'
import type { RollupRow } from '../../../src/records/rollup.ts'
import { collections } from '../../../src/stores/mongodb/collections.ts'
import { openMongoSink, openMongoStore } from '../../../src/stores/mongodb/index.ts'
import { factsOf } from '../../../src/stores/rollups/facts.ts'
import { addCall, emptySums, encodeSums } from '../../../src/stores/rollups/sums.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { aDelivery, listeningLog } from '../../support/mongo-store.ts'
import { aMoment, aRecord } from '../../support/records.ts'
import { violations } from './schema.ts'

/** The total of so many calls. */
function total(id: string, requests: number): RollupRow {
  const sums = emptySums()
  for (let call = 0; call < requests; call++) addCall(sums, factsOf(aRecord()))
  return {
    id,
    version: requests,
    instance: 'i',
    level: 'model_day',
    startMs: Date.UTC(2026, 10, 20),
    project: 'acme',
    owner: '',
    provider: 'openai',
    model: 'gpt-4o-mini',
    outcome: 'ok',
    modelCall: true,
    requests,
    sums: encodeSums(sums),
  }
}

await suiteWithMongo('totals in MongoDB', (server) => {
  const { signal } = new AbortController()
  const client = new MongoClient(server.uri)
  let database: string
  let sink: RollupSink

  beforeAll(() => client.connect())
  afterAll(() => client.close())
  beforeEach(() => {
    database = server.database()
    sink = openMongoSink({ uri: server.uri, database, instance: 'i', log: listeningLog() })
    return () => sink.close()
  })

  const stored = async (): Promise<Record<string, number>> => {
    const rows = await client.db(database).collection('rollups').find().sort({ _id: 1 }).toArray()
    return Object.fromEntries(rows.map(({ _id, requests }) => [String(_id), requests]))
  }

  it('replace older ones, and are never replaced by them', async () => {
    await sink.writeRollups([total('a', 2), total('b', 5)], signal)
    await sink.writeRollups([total('a', 3), total('b', 4), total('c', 1)], signal)
    expect(await stored()).toEqual({ a: 3, b: 5, c: 1 })
  })

  it('change nothing when they come again, in any order, twice in one batch', async () => {
    const rows = [total('a', 1), total('b', 2), total('a', 3), total('a', 2)]
    await sink.writeRollups(rows, signal)
    await sink.writeRollups(rows.toReversed(), signal)
    expect(await stored()).toEqual({ a: 3, b: 2 })
  })

  it('end as the newest when many arrive at once', async () => {
    await Promise.all([4, 1, 6, 3, 5, 2].map((version) => sink.writeRollups([total('a', version)], signal)))
    expect(await stored()).toEqual({ a: 6 })
  })

  it('that are refused are named, and the others are stored', async () => {
    await sink.writeRollups([total('a', 1)], signal)
    await client.db(database).collection('rollups').createIndex({ level: 1 }, { unique: true })
    const asked = sink.writeRollups([total('b', 1), total('a', 2), { ...total('c', 1), level: 'key_day' }], signal)
    await expect(asked).rejects.toThrow(Refused)
    await expect(asked).rejects.toMatchObject({ refused: [{ id: 'b', code: '11000' }] })
    expect(await stored()).toEqual({ a: 2, c: 1 })
  })

  it('fulfil the validator', async () => {
    await sink.writeRollups([total('a', 1)], signal)
    const row = await client.db(database).collection('rollups').findOne()
    expect(violations(collections.rollups.validator.$jsonSchema, row)).toEqual([])
  })

  it('of several instances add up, and sending one again changes nothing', async () => {
    const one = aDelivery(server, database)
    const other = aDelivery(server, database)
    await one.write([aRecord(), aRecord({ atMs: aMoment + 60_000 })])
    await other.write([aRecord({ atMs: aMoment + 120_000 })])
    await one.write([])
    await using store = closing(openMongoStore({ uri: server.uri, database }))
    expect((await store.usage('acme', { groupBy: ['day'] })).totals.requests).toBe(3)
    const edge = await store.usage('acme', { groupBy: [], fromMs: aMoment + 60_000, toMs: aMoment + 60_001 })
    expect(edge.totals.requests).toBe(1)
    await one.close()
    await other.close()
  })
})

const closing = <T extends { close(): Promise<void> }>(store: T): T & AsyncDisposable =>
  Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
