import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import { connectionEvent } from '../../src/records/connection-log.ts'
import { isObject } from '../../src/records/json.ts'
import { openMongoStore } from '../../src/stores/mongodb/index.ts'
import { openDiary } from '../../src/stores/sqlite/diary.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { lockDirectory } from '../../src/stores/sqlite/lock.ts'
import { openStore } from '../../src/stores/sqlite/query.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { emptyBatch } from '../support/sqlite-store.ts'
import { eventually } from '../support/within.ts'
import { cli, spawnCli, storeWith, temporary } from './run-cli.ts'

const words = ['migrate', '--from', 'sqlite', '--to', 'mongodb']
const manyRecords = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    aRecord({ atMs: aMoment + at * 60_000, metadata: { project_id: at % 3 === 0 ? 'checkout' : 'acme' } }),
  )
/** Without days of retention: the moments of the records are long ago. */
const kept = { RETENTION_DAYS: '0' }

await suiteWithMongo('sightglass migrate', (server) => {
  const client = new MongoClient(server.uri)
  afterAll(() => client.close())

  const into = (database: string) => ({ ...kept, MONGO_URI: server.uri, DB_NAME: database })
  const idsIn = async (database: string, name: string) =>
    (await client.db(database).collection(name).distinct('_id')).map(String).sort()
  const usageQuery = { groupBy: ['project', 'model', 'day'] as const }

  it('brings every record and every total, so that both stores answer alike', async () => {
    const records = manyRecords(2_300)
    const env = storeWith(records)
    const database = server.database()
    const { code, out, notes } = await spawnCli(words, { ...env, ...into(database) })
    expect([code, notes]).toEqual([0, expect.stringMatching(/2,300 records sent, 0 to go/)])
    expect(out).toContain(`MongoDB, database ${database}: 2,300 of 2,300 records are there.`)
    const ids = records.map(({ telemetry }) => telemetry._id).sort()
    for (const name of ['telemetry', 'llm_runs']) expect(await idsIn(database, name)).toEqual(ids)

    const before = openStore(join(env.DATA_DIR, 'sightglass.sqlite'))
    const after = openMongoStore({ uri: server.uri, database })
    expect(await after.usage(null, usageQuery)).toEqual(await before.usage(null, usageQuery))
    expect(await after.body(null, ids[7]!, 'response')).toEqual(await before.body(null, ids[7]!, 'response'))
    await before.close()
    await after.close()
  }, 60_000)

  it('run again changes nothing, and brings what has come since', async () => {
    const env = storeWith(manyRecords(20))
    const database = server.database()
    const run = async () => JSON.parse((await cli([...words, '--json'], { ...env, ...into(database) })).out)
    expect(await run()).toMatchObject({ records: 20, refused: [], counters: { accepted: 20, stored: 20, pending: 0 } })
    expect(await run()).toMatchObject({ records: 0, totals: 0, counters: { accepted: 20, stored: 20 } })
    const local = openLocalStore(join(env.DATA_DIR, 'sightglass.sqlite'))
    local.commit({ ...emptyBatch, records: manyRecords(5) })
    local.close()
    expect(await run()).toMatchObject({ records: 5, counters: { accepted: 25, stored: 25, pending: 0 } })
    expect(await idsIn(database, 'telemetry')).toHaveLength(25)
    const store = openMongoStore({ uri: server.uri, database })
    expect((await store.usage(null, { groupBy: [] })).totals.requests).toBe(25)
    await store.close()
  }, 30_000)

  it('leaves nothing for the proxy to send again', async () => {
    const env = storeWith(manyRecords(10))
    const database = server.database()
    expect(await cli(words, { ...env, ...into(database) })).toMatchObject({ code: 0 })
    await using proxy = await spawnProxy({ dataDir: env.DATA_DIR, env: into(database) })
    const health = async () => (await (await fetch(`${proxy.url}/health`)).json()) as { sinks: unknown }
    await eventually('the proxy to know its sink', async () => isObject((await health()).sinks))
    expect((await health()).sinks).toMatchObject({ mongodb: { accepted: 10, stored: 10, pending: 0 } })
  }, 30_000)

  it('brings events and the sums of hours, too', async () => {
    const env = storeWith(manyRecords(2))
    const diary = openDiary(join(env.DATA_DIR, 'sightglass.sqlite'))
    const event = connectionEvent(aMoment, 'application_startup', 'listening')
    diary.addEvent(event)
    diary.addHour(aMoment, 'i')
    diary.close()
    const database = server.database()
    const run = async () => JSON.parse((await cli([...words, '--json'], { ...env, ...into(database) })).out)
    expect(await run()).toMatchObject({ records: 2, events: 2, refused: [] })
    expect(await run()).toMatchObject({ records: 0, events: 0 })
    expect(await idsIn(database, 'connection_logs')).toEqual([event._id])
    expect(await idsIn(database, 'metrics')).toEqual([`i|${new Date(aMoment).toISOString()}`])
  }, 30_000)

  it('stores the rest when one record is refused, names it, and ends with 1', async () => {
    const bad = aRecord()
    const env = storeWith([...manyRecords(3), bad, ...manyRecords(3)])
    const local = new DatabaseSync(join(env.DATA_DIR, 'sightglass.sqlite'))
    local.exec(`UPDATE documents SET telemetry = json_set(telemetry, '$.metadata.cost_picodollars', 'a lot')
      WHERE json_extract(telemetry, '$._id') = '${bad.telemetry._id}'`)
    local.close()
    const database = server.database()
    const { code, out } = await cli(words, { ...env, ...into(database) })
    expect(code).toBe(1)
    expect(out).toContain('6 of 7 records are there')
    expect(out).toContain(`${bad.telemetry._id} unmappable`)
    expect(await idsIn(database, 'telemetry')).toHaveLength(6)
  }, 30_000)

  it.runIf(server.restartable)(
    'goes on where it was when MongoDB went away',
    async () => {
      const env = storeWith(manyRecords(50))
      const database = server.database()
      await server.kill()
      const away = await cli(words, { ...env, ...into(database) })
      await server.start()
      expect(away).toMatchObject({ code: 1, out: '' })
      expect(away.notes).toMatch(
        /^sightglass: MongoDB did not take all of it: .*\nRun it again to go on where it ended\.\n$/,
      )
      expect((await cli(words, { ...env, ...into(database) })).out).toContain('50 of 50 records are there')
      expect(await idsIn(database, 'telemetry')).toHaveLength(50)
    },
    60_000,
  )
})

describe('sightglass migrate refuses', () => {
  const nowhere = { MONGO_URI: 'mongodb://user:hunter22@127.0.0.1:1/', DB_NAME: 'calls' }

  it.each([
    [['migrate'], '--from : wants sqlite'],
    [['migrate', '--from', 'csv', '--to', 'mongodb'], '--from csv: wants sqlite'],
    [['migrate', '--from', 'sqlite', '--to', 'mysql'], '--to mysql: wants mongodb'],
  ])('%j', async (given, message) => {
    const { code, notes } = await cli(given, storeWith([]))
    expect(code).toBe(2)
    expect(notes).toContain(message)
  })

  it('without a MongoDB, and without records', async () => {
    expect((await cli(words, storeWith([]))).notes).toContain('set MONGO_URI')
    const { code, notes } = await cli(words, { ...nowhere, DATA_DIR: temporary() })
    expect(code).toBe(1)
    expect(notes).toContain('there are no records to migrate')
  })

  it('while a proxy works in the directory', async () => {
    const env = storeWith([])
    const lock = lockDirectory(env.DATA_DIR)
    const { code, notes } = await cli(words, { ...env, ...nowhere })
    lock.release()
    expect(code).toBe(1)
    expect(notes).toContain(`a proxy works in ${env.DATA_DIR}: stop it first`)
  })

  it('a file that is no database', async () => {
    const env = { ...nowhere, DATA_DIR: temporary() }
    writeFileSync(join(env.DATA_DIR, 'sightglass.sqlite'), 'no database at all, only text')
    expect(await cli(words, env)).toMatchObject({
      code: 1,
      notes: expect.stringMatching(/^sightglass: .*sightglass\.sqlite cannot be written: /),
    })
  })

  it('and never tells the password', async () => {
    const { code, out, notes } = await cli(words, { ...storeWith([aRecord()]), ...nowhere })
    expect(code).toBe(1)
    expect(out + notes).not.toContain('hunter22')
  }, 30_000)
})
