import { MongoClient } from 'mongodb'
import { afterAll, expect, it, vi } from 'vitest'
import { connectionEvent } from '../../../src/records/connection-log.ts'
import type { DiaryEntry } from '../../../src/records/diary-entry.ts'
import { openMongoSink, openMongoStore } from '../../../src/stores/mongodb/index.ts'
import { sinkSuiteOf } from '../../contract/sink-suite.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { aMoment } from '../../support/records.ts'

vi.setConfig({ testTimeout: 60_000 }) // FerretDB is slow on a busy machine

const { signal } = new AbortController()

/** An event as the outbox hands it over. */
function anEntry(message: string, atMs = aMoment): DiaryEntry {
  const { _id, timestamp_ms, ...fields } = connectionEvent(atMs, 'database_lost', message, { code: null })
  return { _id, timestamp_ms, fields }
}

await suiteWithMongo('the diary in MongoDB', (server) => {
  const client = new MongoClient(server.uri)
  afterAll(() => client.close())
  const aSink = () => {
    const database = server.database()
    const sink = openMongoSink({ uri: server.uri, database, instance: 'i', log: listeningLog() })
    return { sink, database, db: client.db(database) }
  }

  sinkSuiteOf('connection_logs', { anItem: anEntry, idOf: ({ _id }) => _id }, async () => {
    const { sink, db } = aSink()
    return {
      sink: sink.diary('connection_logs'),
      ids: async () => (await db.collection('connection_logs').distinct('_id')).map(String),
      refused: null,
      close: () => sink.close(),
    }
  })

  it('has the documents of contracts 2.2: a date, the names, and what belongs to them (D4, D5)', async () => {
    const { sink, db } = aSink()
    const [event, metrics] = [anEntry('gone'), { requests_total: 3, avg_latency_ms: null, error_rate: 0.5 }]
    await sink.diary('connection_logs').write([event], signal)
    const hour = { _id: 'i|h', timestamp_ms: aMoment, fields: { metric_type: 'hourly', metrics } }
    await sink.diary('metrics').write([hour], signal)
    expect(await db.collection('connection_logs').find().toArray()).toEqual([
      {
        _id: event._id,
        timestamp: new Date(aMoment),
        event_type: 'database_lost',
        status: 'error',
        message: 'gone',
        metadata: { code: null },
      },
    ])
    expect(await db.collection('metrics').find().toArray()).toEqual([
      { _id: 'i|h', timestamp: new Date(aMoment), metric_type: 'hourly', metrics },
    ])
    await sink.close()
  })

  it('shows the newest events of all instances, those of one moment in the order of their making', async () => {
    const { sink, db, database } = aSink()
    const entries = ['a', 'b', 'c', 'd'].map((message, at) => anEntry(message, aMoment + (at < 2 ? 0 : 1_000)))
    await sink.diary('connection_logs').write(entries, signal)
    await db.collection('connection_logs').insertOne({ timestamp: new Date(aMoment - 1), event_type: 'of others' })
    const store = openMongoStore({ uri: server.uri, database })
    const shown = await store.connectionEvents(3)
    expect(shown.map(({ message }) => message)).toEqual(['d', 'c', 'b'])
    expect(shown[0]).toMatchObject({ ...entries[3]!.fields, _id: entries[3]!._id, timestamp_ms: aMoment + 1_000 })
    expect((await store.connectionEvents(9)).at(-1)).toMatchObject({
      event_type: 'of others',
      status: 'error',
      message: '',
      metadata: {},
    })
    await store.close()
    await sink.close()
  })
})
