import { MongoClient } from 'mongodb'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  collectionNames,
  collections,
  daySeconds,
  indexName,
  type Retention,
  schemaVersion,
} from '../../../src/stores/mongodb/collections.ts'
import { setUp } from '../../../src/stores/mongodb/setup.ts'
import { setupCommands } from '../../../src/stores/mongodb/setup-commands.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { PretendServer, serverError } from './pretend-server.ts'

const month: Retention = { telemetry: 30, llm_runs: 30, connection_logs: 30, metrics: 30 }
const dated = ['telemetry', 'llm_runs', 'connection_logs', 'metrics']

function starting(server: { run: PretendServer['run'] }) {
  const log = listeningLog()
  const start = (retention: Retention = month, instance = 'i1', pepperId: string | null = 'p') =>
    setUp(server, { retention, instance, pepperId, log, now: () => Date.UTC(2026, 10, 21) })
  return { log, start, warnings: () => log.lines.filter(({ level }) => level === 'warn') }
}

describe('set-up', () => {
  let server: PretendServer

  beforeEach(() => {
    server = new PretendServer()
  })

  it('makes every collection with its validator, its indexes and its expiry', async () => {
    const { start, warnings } = starting(server)
    expect(await start()).toEqual({ foreign: [], toPurge: [] })
    expect([...server.collections.keys()].sort()).toEqual([...collectionNames].sort())
    for (const name of collectionNames) {
      expect(server.collection(name).options.validator).toBe(collections[name].validator)
      const made = server.collection(name).indexes.map((index) => index.name)
      expect(made.sort()).toEqual(['_id_', ...collections[name].indexes.map(indexName)].sort())
      expect(server.index(name, 'timestamp_1')?.expireAfterSeconds).toBe(
        dated.includes(name) ? 30 * daySeconds : undefined,
      )
    }
    expect(warnings()).toEqual([])
  })

  it('has the indexes that were promised, and none that is unique', async () => {
    await starting(server).start()
    const promised = {
      telemetry: [
        'metadata.client_id_1',
        'metadata.soeid_1',
        'metadata.target_service_1',
        'timestamp_1',
        'event_type_1',
        'request_id_1',
        'event_type_1_timestamp_1_metadata.status_code_1',
        'metadata.soeid_1_metadata.total_tokens_1',
        'metadata.latency_ms_1_timestamp_1',
        'metadata.status_code_1_timestamp_1',
      ],
      llm_runs: ['request_id_1', 'timestamp_1', 'soeid_1', 'project_name_1', 'model_1', 'soeid_1_timestamp_1'],
      connection_logs: ['timestamp_1', 'event_type_1', 'status_1'],
      metrics: ['timestamp_1', 'metric_type_1', 'metric_type_1_timestamp_1'],
    }
    for (const [name, indexes] of Object.entries(promised)) {
      for (const index of indexes) expect(server.index(name, index), `${name} ${index}`).toBeDefined()
      expect(server.collection(name).indexes.filter(({ unique }) => unique)).toEqual([])
    }
  })

  it('changes nothing when it is done again', async () => {
    await starting(server).start()
    const before = structuredClone(server.collections)
    server.sent.length = 0
    const { start, warnings } = starting(server)
    expect(await start()).toEqual({ foreign: [], toPurge: [] })
    expect(server.collections).toEqual(before)
    expect(server.commands('create', 'collMod', 'dropIndexes')).toEqual([])
    expect(warnings()).toEqual([])
  })

  it('brings validators to collections that an earlier version of ours made', async () => {
    await starting(server).start()
    server.collection('telemetry').options.validator = { $jsonSchema: { bsonType: 'object' } }
    server.collection('llm_runs').options = {}
    await starting(server).start()
    for (const name of ['telemetry', 'llm_runs'] as const)
      expect(server.collection(name).options.validator).toEqual(collections[name].validator)
  })

  it('leaves the validators of a newer version alone', async () => {
    await starting(server).start()
    const newer = { $jsonSchema: { bsonType: 'object', required: ['something_new'] } }
    server.collection('telemetry').options.validator = newer
    server.markers.set('telemetry', { ...server.markers.get('telemetry'), schema_version: schemaVersion + 1 })
    await starting(server).start()
    expect(server.collection('telemetry').options.validator).toEqual(newer)
  })

  it('knows a collection as its own whose making was broken off', async () => {
    server.refuse = ({ create }) => (create === 'rollups' ? 6 : null)
    await expect(starting(server).start()).rejects.toMatchObject({ code: 6 })
    server.refuse = () => null
    expect(await starting(server).start()).toEqual({ foreign: [], toPurge: [] })
    expect(server.collection('rollups').options.validator).toBe(collections.rollups.validator)
  })

  it('gives way when another instance makes the same collection at the same time', async () => {
    server.refuse = ({ create }) => {
      if (create === 'telemetry') server.collections.set('telemetry', { options: {}, indexes: [] })
      return null
    }
    expect((await starting(server).start()).foreign).toEqual([])
  })

  describe('of collections that somebody else made', () => {
    const theirs = { options: { validator: { theirs: true } }, indexes: [{ key: { _id: 1 }, name: '_id_' }] }

    it('alters none, says so once and makes the others', async () => {
      for (const name of ['telemetry', 'projects']) server.collections.set(name, structuredClone(theirs))
      const { start, warnings } = starting(server)
      expect(await start()).toEqual({ foreign: ['telemetry', 'projects'], toPurge: [] })
      expect(server.collection('telemetry')).toEqual(theirs)
      expect(server.collection('llm_runs').indexes.length).toBeGreaterThan(5)
      expect(warnings()).toHaveLength(1)
      expect(warnings()[0]).toMatchObject({ fields: { collections: ['telemetry', 'projects'] } })
      await start()
      expect(server.collection('telemetry')).toEqual(theirs)
    })

    it('alters none when it may not list them', async () => {
      server.refuse = ({ listCollections }) => (listCollections ? 13 : null)
      expect((await starting(server).start()).foreign).toEqual(collectionNames)
      expect(server.commands('create', 'collMod', 'createIndexes', 'dropIndexes')).toEqual([])
    })
  })

  describe('on a server that refuses', () => {
    it('validators and expiry: one warning each, and the old documents are ours to delete', async () => {
      server.refuse = (command) =>
        command.validator || command.collMod || command.indexes?.some((index: object) => 'expireAfterSeconds' in index)
          ? 238
          : null
      for (let time = 0; time < 2; time++) {
        const { start, warnings } = starting(server)
        expect(await start()).toEqual({ foreign: [], toPurge: dated })
        expect(warnings().map(({ message }) => message)).toEqual([
          'MongoDB refuses validators: goes on without',
          'MongoDB refuses documents that expire: goes on without',
        ])
        expect(server.index('telemetry', 'timestamp_1')).toBeDefined()
      }
    })

    it('one index: the others are made', async () => {
      server.refuse = ({ indexes }) => (indexes?.some(({ name }: { name: string }) => name === 'status_1') ? 67 : null)
      const { start, warnings } = starting(server)
      await start()
      expect(server.index('connection_logs', 'event_type_1')).toBeDefined()
      expect(warnings()).toMatchObject([{ fields: { collections: ['connection_logs'], code: 67 } }])
    })

    it('an index for ever, because it was killed while it made it: records go there all the same', async () => {
      server.refuse = ({ indexes }) =>
        indexes?.some(({ name }: { name: string }) => name === 'timestamp_1') ? 1 : null
      const { start, warnings } = starting(server)
      expect(await start()).toEqual({ foreign: [], toPurge: dated })
      expect(server.index('telemetry', 'event_type_1')).toBeDefined()
      expect(warnings().map(({ fields }) => fields)).toMatchObject([{ code: 1 }, { code: 1 }])
    })

    it('to make collections: they are made with their first document', async () => {
      server.refuse = ({ create, createIndexes }) => (create || createIndexes ? 13 : null)
      const { start, warnings } = starting(server)
      expect(await start()).toEqual({ foreign: [], toPurge: dated })
      expect(warnings().map(({ message }) => message)).toContain(
        'MongoDB refuses to make collections beforehand: goes on without',
      )
    })

    it('does not hide that the connection broke', async () => {
      server.refuse = ({ createIndexes }) => {
        if (createIndexes) throw new Error('socket closed')
        return null
      }
      await expect(starting(server).start()).rejects.toThrow('socket closed')
    })
  })

  describe('when the retention was changed', () => {
    const expiry = () => server.index('telemetry', 'timestamp_1')?.expireAfterSeconds

    it.each([
      [30, 60],
      [60, 1],
      [0, 30],
    ])('from %i to %i days: the index is altered', async (before, after) => {
      await starting(server).start({ telemetry: before })
      expect(await starting(server).start({ telemetry: after })).toMatchObject({ toPurge: [] })
      expect(expiry()).toBe(after * daySeconds)
      expect(server.commands('dropIndexes')).toEqual([])
    })

    it('to for ever: nothing expires any more', async () => {
      await starting(server).start({ telemetry: 30 })
      await starting(server).start({ telemetry: 0 })
      expect(expiry()).toBeUndefined()
      expect(server.index('telemetry', 'timestamp_1')).toBeDefined()
    })

    it('with rights to read and write alone: never goes on deleting by the old one', async () => {
      await starting(server).start({ telemetry: 30 })
      server.refuse = ({ collMod }) => (collMod ? 13 : null)
      expect(await starting(server).start({ telemetry: 60 })).toMatchObject({ toPurge: [] })
      expect(expiry()).toBe(60 * daySeconds)
    })
  })

  it('lets sums expire only where they have days: those of a day count from its end', async () => {
    const index = () => server.index('rollups', 'start_1')
    await starting(server).start({ rollups: 0 })
    expect(index()).toBeUndefined()
    await starting(server).start({ rollups: 90 })
    expect(index()?.expireAfterSeconds).toBe(91 * daySeconds)
    await starting(server).start({ rollups: 0 })
    expect(index()?.expireAfterSeconds).toBeUndefined()
    const lines = (days: number) =>
      setupCommands({ rollups: days }, ['rollups']).filter((line) => line.includes('start_1"'))
    expect(lines(90).filter((line) => line.includes(`"expireAfterSeconds":${91 * daySeconds}`))).toHaveLength(1)
    expect(lines(0).filter((line) => line.includes('expire'))).toEqual([])
  })

  it('warns when another instance has a different pepper, and only then', async () => {
    await starting(server).start(month, 'i1', 'one')
    const same = starting(server)
    await same.start(month, 'i2', 'one')
    expect(same.warnings()).toEqual([])
    const changed = starting(server)
    await changed.start(month, 'i3', 'two')
    expect(changed.warnings()).toMatchObject([{ message: expect.stringContaining('different pepper') }])
  })
})

describe('the commands for a shell', () => {
  it('make of collections what set-up makes of them', async () => {
    const server = new PretendServer()
    await starting(server).start()
    const made = new Map<string, { validator: unknown; indexes: unknown[] }>()
    const db = {
      getCollectionNames: () => [...made.keys()],
      createCollection: (name: string) => made.set(name, { validator: null, indexes: [] }),
      runCommand: ({ collMod, validator }: { collMod: string; validator: unknown }) => {
        made.get(collMod)!.validator = validator
      },
      getCollection: (name: string) => ({
        createIndex: (key: unknown, options: object) => made.get(name)!.indexes.push({ key, ...options }),
      }),
    }
    new Function('db', setupCommands(month).join('\n'))(db)
    const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1)
    for (const name of collectionNames) {
      const { options, indexes } = server.collection(name)
      expect(made.get(name)?.validator).toEqual(options.validator)
      expect((made.get(name)!.indexes as { name: string }[]).sort(byName)).toEqual(
        (indexes as { name: string }[]).filter(({ name }) => name !== '_id_').sort(byName),
      )
    }
  })

  it('concern only the collections that are named', () => {
    expect(setupCommands(month, ['metrics']).filter((line) => !line.includes('metrics'))).toEqual([])
  })
})

await suiteWithMongo('set-up on a server', (mongo) => {
  it('can be done again and again, and its refusals cost one warning each', async () => {
    await using client = new MongoClient(mongo.uri)
    const db = client.db(mongo.database())
    for (let time = 0; time < 2; time++) {
      const { start, warnings } = starting({ run: (command) => db.command(command) })
      const { foreign, toPurge } = await start()
      expect(foreign).toEqual([])
      if (mongo.kind !== 'ferretdb') continue
      expect(toPurge).toEqual(dated)
      expect(warnings()).toHaveLength(2)
    }
    const names = (await db.listCollections().toArray()).map(({ name }) => name)
    expect(names.sort()).toEqual(['sightglass', ...collectionNames].sort())
    const indexes = (await db.collection('telemetry').indexes()).map(({ name }) => name)
    expect(indexes).toEqual(expect.arrayContaining(collections.telemetry.indexes.map(indexName)))
  })

  it('leaves a collection alone that was there before', async () => {
    await using client = new MongoClient(mongo.uri)
    const db = client.db(mongo.database())
    await db.createCollection('telemetry')
    const { start, warnings } = starting({ run: (command) => db.command(command) })
    expect((await start()).foreign).toEqual(['telemetry'])
    expect((await db.collection('telemetry').indexes()).map(({ name }) => name)).toEqual(['_id_'])
    expect(warnings()[0]?.message).toContain('did not make')
  })

  it('fails when the server is not there', async () => {
    const gone = { run: async () => Promise.reject(serverError(0, 'gone')) }
    await expect(starting(gone).start()).rejects.toThrow('gone')
  })
})
