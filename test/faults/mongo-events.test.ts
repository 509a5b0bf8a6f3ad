import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MongoClient } from 'mongodb'
import { expect, it, onTestFinished } from 'vitest'
import { openDiary } from '../../src/stores/sqlite/diary.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { emptyBatch } from '../support/sqlite-store.ts'
import { eventually, pause } from '../support/within.ts'
import { type MongoRig, mongoRig } from './mongo-rig.ts'

const collections = ['connection_logs', 'metrics'] as const

/** A data directory in which some hours have passed. */
async function aPast(hours: number): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-events-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const path = join(dataDir, 'sightglass.sqlite')
  const local = openLocalStore(path)
  local.commit({ ...emptyBatch, records: [aRecord()] })
  const diary = openDiary(path)
  for (let hour = 1; hour <= hours; hour++) diary.addHour(aMoment + hour * 3_600_000, local.instance)
  diary.close()
  local.close()
  return dataDir
}

/** What the embedded database holds, in the order of its making. */
function idsHere(dataDir: string): Record<string, string[]> {
  const database = new DatabaseSync(join(dataDir, 'sightglass.sqlite'), { readOnly: true })
  const ids = collections.map((name) => [
    name,
    database
      .prepare(`SELECT id FROM ${name} ORDER BY place`)
      .all()
      .map(({ id }) => String(id)),
  ])
  database.close()
  return Object.fromEntries(ids)
}

const sorted = (ids: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(ids).map(([name, all]) => [name, all.toSorted()]))

const idsInFake = (mongo: FakeMongo) => Object.fromEntries(collections.map((name) => [name, mongo.ids(name)]))
/** Sinks that were told to take nothing. */
const failuresIn = ({ proxy }: MongoRig): unknown[] =>
  proxy.events
    .filter(({ level, message }) => level === 'warn' && message.startsWith('a sink takes nothing'))
    .map(({ fields }) => 'sink' in fields && fields.sink)
const typesIn = (mongo: FakeMongo): unknown[] =>
  [...(mongo.collections.get('connection_logs')?.values() ?? [])].map(({ event_type }) => event_type)

const allThere = (mongo: FakeMongo, dataDir: string, ms = 40_000) =>
  eventually(
    'every event and every hour, in order',
    () => JSON.stringify(idsInFake(mongo)) === JSON.stringify(idsHere(dataDir)),
    ms,
    50,
  )

await suiteWithMongo('events and hours', (server) => {
  const idsThere = async (database: string) => {
    await using client = new MongoClient(server.uri)
    const ids = collections.map(async (name) => {
      const documents = await client.db(database).collection(name).find().toArray()
      return [name, documents.map(({ _id }) => String(_id))]
    })
    return sorted(Object.fromEntries(await Promise.all(ids)))
  }

  it.skipIf(!server.restartable)(
    'reach a MongoDB that comes after the start, each once, and those of the stop too (D4, D5, 40)',
    async () => {
      const database = server.database()
      const dataDir = await aPast(3)
      await server.kill()
      {
        await using rig = await mongoRig(server.uri, database, dataDir)
        await rig.healthOnce('the loss to be noted', ({ state }) => state !== 'ok', 20_000)
        expect(failuresIn(rig)).toEqual(['mongodb'])
        await server.start()
        await rig.delivered(60_000)
        await eventually(
          'all of it',
          async () => JSON.stringify(await idsThere(database)) === JSON.stringify(sorted(idsHere(dataDir))),
          60_000,
          100,
        )
      }
      expect(await idsThere(database)).toEqual(sorted(idsHere(dataDir)))
      await using client = new MongoClient(server.uri)
      const found = await client.db(database).collection('connection_logs').find().toArray()
      expect(found.map(({ event_type }) => event_type).sort()).toEqual([
        'application_shutdown',
        'application_startup',
        'database_connected',
        'database_connection_failed',
      ])
      const startup = found.find(({ event_type }) => event_type === 'application_startup')
      expect(startup).toMatchObject({
        timestamp: expect.any(Date),
        status: 'success',
        message: expect.stringMatching(/^listening on /),
        metadata: { environment: 'standalone', host: '127.0.0.1', instance: expect.any(String) },
      })
      const hours = await client.db(database).collection('metrics').find().sort({ timestamp: 1 }).toArray()
      expect(
        hours.map(({ timestamp, metric_type, metrics }) => [timestamp, metric_type, metrics.requests_total]),
      ).toEqual([1, 2, 3].map((hour) => [new Date(aMoment + hour * 3_600_000), 'hourly', 1]))
    },
    120_000,
  )

  it('are there once though the proxy is killed again and again (D4, 41)', async () => {
    const database = server.database()
    const dataDir = await aPast(5)
    const env = { MONGO_URI: server.uri, DB_NAME: database, RETENTION_DAYS: '0' }
    for (const lifeMs of [0, 20, 60, 150, 300, 600]) {
      await using _killed = await spawnProxy({ dataDir, env })
      await pause(lifeMs)
    }
    const last = await spawnProxy({ dataDir, env })
    await eventually(
      'all of it',
      async () => JSON.stringify(await idsThere(database)) === JSON.stringify(sorted(idsHere(dataDir))),
      40_000,
      100,
    )
    await last.stop()
    const here = sorted(idsHere(dataDir))
    expect(await idsThere(database)).toEqual(here)
    expect(here.connection_logs!.length).toBeGreaterThanOrEqual(8)
    expect(here.metrics).toHaveLength(5)
  }, 120_000)
})

it('events and hours are stored once whose answers were lost after they were stored (41)', async () => {
  await using mongo = await fakeMongo()
  let inserts = 0
  mongo.fault = (name) =>
    name !== 'telemetry' && name !== 'llm_runs' && ++inserts % 2 === 1 ? { kind: 'applyThenReset' } : null
  const dataDir = await aPast(3)
  for (let start = 0; start < 2; start++) {
    await using rig = await mongoRig(mongo.uri, 'db', dataDir)
    await rig.delivered()
    await allThere(mongo, dataDir)
  }
  await using rig = await mongoRig(mongo.uri, 'db', dataDir)
  await rig.delivered()
  await allThere(mongo, dataDir)
  expect(mongo.duplicates).toBeGreaterThan(0)
}, 120_000)

it('events that get no answer delay no records, and arrive later', async () => {
  await using mongo = await fakeMongo()
  let stuck = true
  mongo.fault = (name) => (stuck && name === 'connection_logs' ? { kind: 'hang' } : null)
  const dataDir = await aPast(1)
  await using rig = await mongoRig(`${mongo.uri}&socketTimeoutMS=1000`, 'db', dataDir)
  await rig.load(4, () => pause(1_500))
  const sink = await rig.delivered(5_000)
  expect([sink.stored, sink.quarantined]).toEqual([sink.accepted, 0])
  expect((await rig.health()).state).toBe('ok')
  expect(mongo.ids('connection_logs')).toEqual([])
  const told = await eventually('a word of it', () => failuresIn(rig)[0], 20_000, 50)
  expect(told).toBe('mongodb connection_logs')
  expect(mongo.ids('metrics')).toHaveLength(1)
  stuck = false
  await allThere(mongo, dataDir)
}, 120_000)

it('an event that is refused is put aside, told, and blocks no other', async () => {
  await using mongo = await fakeMongo()
  mongo.fault = () => ({ kind: 'refuse', code: 121, when: ({ event_type }) => event_type === 'application_startup' })
  const dataDir = await aPast(1)
  await using rig = await mongoRig(mongo.uri, 'db', dataDir)
  await rig.delivered()
  await eventually('the other event', () => typesIn(mongo).includes('database_connected'))
  expect(typesIn(mongo)).toEqual(['database_connected'])
  // the server has the others before its answer is read
  const warned = () => rig.proxy.events.filter(({ message }) => message.startsWith('a sink refused'))
  await eventually('the warning', () => warned().length > 0)
  expect(warned()).toMatchObject([{ level: 'warn', fields: { sink: 'mongodb connection_logs', records: 1 } }])
  const database = new DatabaseSync(join(dataDir, 'sightglass.sqlite'), { readOnly: true })
  const aside = () => database.prepare('SELECT sink, collection, code FROM diary_quarantine').all()
  await eventually('the event to be put aside', () => aside().length > 0)
  expect(aside()).toEqual([{ sink: 'mongodb', collection: 'connection_logs', code: '121' }])
  database.close()
}, 60_000)

it('another database gets all of it, from the beginning', async () => {
  await using first = await fakeMongo()
  await using second = await fakeMongo()
  const dataDir = await aPast(2)
  for (const mongo of [first, second]) {
    await using rig = await mongoRig(mongo.uri, 'db', dataDir)
    await rig.delivered()
    await allThere(mongo, dataDir)
  }
  expect(typesIn(second).filter((type) => type === 'application_startup')).toHaveLength(2)
}, 60_000)
