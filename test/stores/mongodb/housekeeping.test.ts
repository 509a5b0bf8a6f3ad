import { MongoClient } from 'mongodb'
import { afterAll, expect, it, vi } from 'vitest'
import type { MongoSinkOptions } from '../../../src/stores/mongodb/index.ts'
import { openMongoSink } from '../../../src/stores/mongodb/index.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { aMoment, aRecord } from '../../support/records.ts'
import { eventually } from '../../support/within.ts'

vi.setConfig({ testTimeout: 60_000 }) // FerretDB is slow on a busy machine

const day = 86_400_000
const { signal } = new AbortController()

await suiteWithMongo('the hourly work in MongoDB', (server) => {
  const client = new MongoClient(server.uri)
  afterAll(() => client.close())

  /** A sink that works each 50 ms in place of each hour, at a moment that the test sets. */
  async function working(options: Partial<MongoSinkOptions>, foreign: readonly string[] = []) {
    const database = server.database()
    const db = client.db(database)
    for (const name of foreign) await db.createCollection(name)
    const log = listeningLog()
    let nowMs = aMoment
    const sink = openMongoSink({
      uri: server.uri,
      database,
      instance: 'here',
      log,
      purgeEveryMs: 50,
      now: () => nowMs,
      ...options,
    })
    const keptBytes = async () =>
      (
        await db
          .collection('llm_runs')
          .find({ response_bytes: { $ne: null } })
          .toArray()
      ).map(({ _id }) => String(_id))
    const passes = () => log.lines.filter(({ message }) => message.startsWith('deleted old')).length
    return { sink, db, log, keptBytes, passes, at: (ms: number) => (nowMs = ms) }
  }

  it('takes bodies that are older than their days, at the start and later, and leaves the runs', async () => {
    const { sink, db, keptBytes, log, at } = await working({ bodiesDays: 7, retention: { llm_runs: 30 } })
    const [old, young] = [aRecord(), aRecord({ atMs: aMoment + 2 * day })]
    await sink.write([old, young], signal)
    at(aMoment + 8 * day)
    await eventually('the older bytes to go', async () => (await keptBytes()).length === 1, 20_000, 20)
    expect(await keptBytes()).toEqual([young.telemetry._id])
    at(aMoment + 10 * day)
    await eventually('the others to go', async () => (await keptBytes()).length === 0, 20_000, 20)
    expect(await db.collection('llm_runs').countDocuments()).toBe(2)
    const run = await db.collection('llm_runs').findOne({ prompt: 'Say hello to the world' })
    expect(run?.response_body).toMatchObject({ kept: 0, truncated: true })
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([])
    await sink.close()
  })

  it('takes no bytes where they stay as long as their runs, nor from a collection of somebody else', async () => {
    for (const [options, foreign] of [
      [{ bodiesDays: 0 }, []],
      [{ bodiesDays: 30, retention: { llm_runs: 30, telemetry: 1 } }, []],
      [{ bodiesDays: 1, retention: { telemetry: 1 } }, ['llm_runs']],
    ] as const) {
      const { sink, db, keptBytes, at } = await working(options, foreign)
      await sink.write([aRecord()], signal)
      at(aMoment + 20 * day)
      for (let pass = 0; pass < 2 && 'retention' in options && server.kind === 'ferretdb'; pass++) {
        await eventually(
          'the calls to go',
          async () => (await db.collection('telemetry').countDocuments()) === 0,
          20_000,
        )
        await db
          .collection<{ _id: string; timestamp: Date }>('telemetry')
          .insertOne({ _id: 'x', timestamp: new Date(0) })
      }
      expect(await keptBytes()).toHaveLength(1)
      await sink.close()
    }
  })

  it('takes totals of days that ended before, where the server does not', async () => {
    if (server.kind !== 'ferretdb') return
    const { sink, db, at } = await working({ retention: { rollups: 2 } })
    const row = (id: string, startMs: number) => ({
      ...{
        id,
        version: 1,
        instance: 'here',
        level: 'model_day',
        startMs,
        project: 'acme',
        owner: '',
        provider: 'openai',
      },
      ...{ model: 'm', outcome: 'ok', modelCall: true, requests: 1, sums: new Uint8Array(8) },
    })
    const dayMs = Date.UTC(2026, 10, 20)
    await sink.writeRollups([row('old', dayMs - day), row('young', dayMs)], signal)
    at(dayMs + 2 * day)
    const ids = async () => (await db.collection('rollups').distinct('_id')).map(String)
    at(dayMs + 2 * day + 1)
    await eventually('the older total to go', async () => !(await ids()).includes('old'), 20_000, 20)
    expect(await ids()).toEqual(['young'])
    await sink.close()
  })
})
