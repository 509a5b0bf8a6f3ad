import { MongoClient } from 'mongodb'
import { afterAll, expect, it, vi } from 'vitest'
import type { Purge } from '../../../src/records/purge.ts'
import type { RollupRow } from '../../../src/records/rollup.ts'
import { openMongoSink } from '../../../src/stores/mongodb/index.ts'
import { holdingRelay } from '../../support/holding-relay.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { aMoment, aPurge, aRecord } from '../../support/records.ts'
import { within } from '../../support/within.ts'

vi.setConfig({ testTimeout: 60_000 }) // FerretDB is slow on a busy machine

const { signal } = new AbortController()
const hour = 3_600_000

await suiteWithMongo('a purge of MongoDB', (server) => {
  const client = new MongoClient(server.uri)
  afterAll(() => client.close())

  function aSink(uri = server.uri) {
    const database = server.database()
    const sink = openMongoSink({ uri, database, instance: 'here', log: listeningLog() })
    const db = client.db(database)
    const ids = async (name: string) => (await db.collection(name).distinct('_id')).map(String).sort()
    return { sink, db, ids, ready: () => sink.check?.(signal) }
  }

  const aRow = (id: string, other: Partial<RollupRow> = {}): RollupRow => ({
    id,
    version: 7,
    instance: 'here',
    level: 'model_hour',
    startMs: aMoment - (aMoment % hour),
    project: 'acme',
    owner: '',
    provider: 'openai',
    model: 'm',
    outcome: 'ok',
    modelCall: true,
    requests: 1,
    sums: new Uint8Array(8),
    ...other,
  })

  it('also deletes what was said in calls whose numbers went before', async () => {
    const { sink, db, ids } = aSink()
    const records = ['ada', 'bob'].map((user_id) =>
      aRecord({ metadata: { user_id, soeid: user_id }, run: { soeid: user_id } }),
    )
    await sink.write(records, signal)
    await db.collection('telemetry').deleteMany({})
    const { counts, done } = await sink.purge(aPurge({ user: 'ada' }), signal)
    expect([counts, done]).toEqual([{ telemetry: 0, llm_runs: 1, rollups: 0 }, true])
    expect(await ids('llm_runs')).toEqual([records[1]!.telemetry._id])
    await sink.close()
  })

  it.each<[Partial<Purge>, readonly string[]]>([
    [{ project: 'acme' }, ['day', 'hour', 'key', 'user']],
    [{ user: 'ada' }, ['user']],
    [{ user: 'ada', project: 'beta' }, []],
    [{ beforeMs: aMoment - (aMoment % hour) + hour }, ['hour', 'key', 'other project']],
    [{ beforeMs: aMoment - (aMoment % hour) + hour - 1 }, []],
    [{ project: 'beta', beforeMs: aMoment + hour }, ['other project']],
  ])('of %j deletes the totals of this instance that are wholly about it: %j', async (named, gone) => {
    const { sink, ids } = aSink()
    const dayMs = Date.UTC(2026, 10, 20)
    const rows = [
      aRow('hour'),
      aRow('day', { level: 'model_day', startMs: dayMs }),
      aRow('key', { level: 'key_hour', owner: 'ada' }), // a key of that name is no user
      aRow('user', { level: 'user_day', startMs: dayMs, owner: 'ada' }),
      aRow('other project', { project: 'beta' }),
      aRow('other instance', { instance: 'there' }),
      aRow('of after it', { version: 8 }),
    ]
    await sink.writeRollups(rows, signal)
    expect((await sink.purge(aPurge({ ...named, place: 7, dry: true }), signal)).counts.rollups).toBe(gone.length)
    expect((await sink.purge(aPurge({ ...named, place: 7 }), signal)).counts.rollups).toBe(gone.length)
    expect(await ids('rollups')).toEqual(
      rows
        .map(({ id }) => id)
        .filter((id) => !gone.includes(id))
        .sort(),
    )
    await sink.close()
  })

  it('begins when a write is over that nobody waits for any more', async () => {
    await using relay = await holdingRelay(Number(new URL(server.uri).port), (bytes) => bytes.includes('insert\0'))
    const { sink, ids, ready } = aSink(`mongodb://127.0.0.1:${relay.port}/`)
    await ready()
    const given = new AbortController()
    const writing = sink.write([aRecord(), aRecord()], given.signal)
    await within(5_000, 'the write to be on its way', relay.held)
    given.abort(new Error('given up'))
    await expect(writing).rejects.toThrow('given up')
    const purging = sink.purge(aPurge({ user: 'ada' }), signal)
    await client.db('admin').command({ ping: 1 })
    await within(5_000, 'the write to arrive', relay.release())
    expect((await purging).counts).toMatchObject({ telemetry: 2, llm_runs: 2 })
    expect(await ids('telemetry')).toEqual([])
    await sink.close()
  })

  it('ends when it is told to', async () => {
    const { sink } = aSink()
    await expect(sink.purge(aPurge({ user: 'ada' }), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    await sink.close()
  })
})
