import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { Refused } from '../../../src/delivery/sink.ts'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { openMongoSink, openMongoStore } from '../../../src/stores/mongodb/index.ts'
import type { MongoSinkOptions } from '../../../src/stores/mongodb/sink.ts'
import { suiteWithMongo } from '../../support/mongo-server.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { aMoment, aRecord } from '../../support/records.ts'
import { eventually } from '../../support/within.ts'

vi.setConfig({ testTimeout: 60_000 }) // FerretDB is slow on a busy machine

const { signal } = new AbortController()
const mib = 1024 * 1024

await suiteWithMongo('delivery to MongoDB', (server) => {
  const client = new MongoClient(server.uri)
  afterAll(() => client.close())

  function aSink(options: Partial<MongoSinkOptions> = {}) {
    const database = options.database ?? server.database()
    const log = listeningLog()
    const sink = openMongoSink({ uri: server.uri, database, instance: 'i', log, ...options })
    const db = client.db(database)
    const ids = async (name: string) => (await db.collection(name).distinct('_id')).map(String).sort()
    return { sink, db, log, ids, database }
  }

  const idsOf = (records: readonly StoredRecord[]): string[] => records.map(({ telemetry }) => telemetry._id).sort()

  describe('names what is refused, and stores the rest', () => {
    it('when a record cannot be a document', async () => {
      const { sink, ids } = aSink()
      const good = [aRecord(), aRecord()]
      const bad = aRecord({ metadata: { cost_picodollars: 'a lot' } })
      const refused = await sink.write([good[0]!, bad, good[1]!], signal).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(Refused)
      expect(refused).toMatchObject({ refused: [{ id: bad.telemetry._id, code: 'unmappable' }] })
      for (const name of ['telemetry', 'llm_runs']) expect(await ids(name)).toEqual(idsOf(good))
      await sink.close()
    })

    it('when a unique index of somebody else is in the way', async () => {
      const { sink, db, ids } = aSink()
      await sink.write([aRecord()], signal)
      await db.collection('llm_runs').createIndex({ response_id: 1 }, { unique: true })
      const twin = aRecord()
      const other = aRecord({ run: { response_id: 'another' } })
      for (let time = 0; time < 2; time++)
        await expect(sink.write([twin, other], signal)).rejects.toMatchObject({
          refused: [{ id: twin.telemetry._id, code: '11000' }],
        })
      expect(await ids('telemetry')).not.toContain(twin.telemetry._id)
      expect(await ids('telemetry')).toContain(other.telemetry._id)
      await sink.close()
    })
  })

  it('takes a batch that is larger than one message may be', async () => {
    const { sink, ids } = aSink()
    const batch = Array.from({ length: 8 }, () => aRecord({ responseBytes: Buffer.alloc(3 * mib, 'a') }))
    await sink.write(batch, signal)
    expect(await ids('llm_runs')).toEqual(idsOf(batch))
    await sink.close()
  })

  it('cuts a call that is larger than a document may be, and stores the others whole', async () => {
    const { sink, database } = aSink()
    const facts = { ...aRecord().run.response_body, size: 20 * mib, kept: 20 * mib, truncated: false }
    const large = aRecord({ responseBytes: Buffer.alloc(20 * mib, 'a'), run: { response_body: facts } })
    const small = aRecord()
    await sink.write([small, large], signal)
    const store = openMongoStore({ uri: server.uri, database })
    expect(await store.body(null, large.telemetry._id, 'response')).toMatchObject({ truncated: true })
    expect(await store.body(null, small.telemetry._id, 'response')).toMatchObject({ truncated: false })
    await store.close()
    await sink.close()
  })

  it.runIf(server.restartable)(
    'stores each record once, though the server is killed again and again',
    async () => {
      const { sink, ids } = aSink()
      const batches = Array.from({ length: 12 }, (_, at) =>
        Array.from({ length: 40 }, (_, more) => aRecord({ atMs: aMoment + at * 100 + more })),
      )
      let failures = 0
      const write = async (batch: readonly StoredRecord[]): Promise<void> => {
        try {
          await sink.write(batch, signal)
        } catch (error) {
          expect(error).not.toBeInstanceOf(Refused)
          failures++
          await write(batch)
        }
      }
      for (const [at, batch] of batches.entries()) {
        const writing = write(batch)
        if (at % 4 === 1) {
          await server.kill()
          await server.start()
        }
        await writing
      }
      const sent = idsOf(batches.flat())
      for (const name of ['telemetry', 'llm_runs']) expect(await ids(name)).toEqual(sent)
      expect(failures).toBeGreaterThan(0)
      await sink.close()
    },
    60_000,
  )

  it('begins when the server does, though it was not there at the start', async () => {
    if (!server.restartable) return
    await server.kill()
    const { sink, ids } = aSink()
    const record = aRecord()
    await expect(sink.write([record], signal)).rejects.toThrow()
    await server.start()
    await sink.write([record], signal)
    expect(await ids('telemetry')).toEqual([record.telemetry._id])
    await sink.close()
  })

  describe('deletes old documents where the server does not', () => {
    const days = (count: number): number => count * 86_400_000
    const now = () => aMoment + days(30)
    const old = () => aRecord({ atMs: aMoment - 1000 })

    it.runIf(server.kind === 'ferretdb')('after the days that each collection has', async () => {
      const options = { retention: { telemetry: 30, llm_runs: 0 }, now }
      const { sink, ids, log, database } = aSink(options)
      const [gone, kept] = [old(), aRecord({ atMs: aMoment + 1000 })]
      await sink.write([gone, kept], signal)
      await sink.close()
      const next = aSink({ ...options, database })
      await next.sink.write([aRecord({ atMs: now() })], signal)
      await eventually('the old call to go', async () => !(await ids('telemetry')).includes(gone.telemetry._id))
      expect(await ids('telemetry')).toContain(kept.telemetry._id)
      expect(await ids('llm_runs')).toContain(gone.telemetry._id)
      expect(log.lines.filter(({ level }) => level === 'error')).toEqual([])
      await next.sink.close()
    })

    it('but never in a collection that somebody else made', async () => {
      const database = server.database()
      await client.db(database).createCollection('telemetry')
      const { sink, ids } = aSink({ database, retention: { telemetry: 30, llm_runs: 30 }, now })
      const record = old()
      await sink.write([record], signal)
      if (server.kind === 'ferretdb') {
        await sink.close()
        const next = aSink({ database, retention: { telemetry: 30, llm_runs: 30 }, now })
        await next.sink.write([aRecord({ atMs: now() })], signal)
        await eventually('the old run to go', async () => !(await ids('llm_runs')).includes(record.telemetry._id))
        await next.sink.close()
      } else await sink.close()
      expect(await ids('telemetry')).toContain(record.telemetry._id)
    })
  })

  it('no value that is asked for is taken for an operator', async () => {
    const { sink, database } = aSink()
    const record = aRecord()
    await sink.write([record], signal)
    await using store = closing(openMongoStore({ uri: server.uri, database }))
    const everything = { $gt: '' } as unknown as string
    const answered = [
      store.run(null, everything),
      store.run(everything, record.telemetry._id),
      store.body(everything, record.telemetry._id, 'request'),
      store.runs(null, { limit: 5, model: everything }).then(({ items }) => items[0] ?? null),
      store.usage(null, { groupBy: ['model'], key: everything }).then(({ groups }) => groups[0] ?? null),
    ]
    for (const answer of await Promise.allSettled(answered))
      expect(answer.status === 'rejected' ? null : answer.value).toBeNull()
    await sink.close()
  })

  it('a text is found far back, page by page', async () => {
    const { sink, database } = aSink()
    const said = (at: number) => (at % 250 === 0 ? 'the needle (1+1)' : 'hay')
    const batch = Array.from({ length: 520 }, (_, at) =>
      aRecord({ atMs: aMoment + at, run: { prompt: said(at) }, requestBytes: null, responseBytes: null }),
    )
    await sink.write(batch, signal)
    await using store = closing(openMongoStore({ uri: server.uri, database }))
    const first = await store.runs('acme', { limit: 2, text: 'NEEDLE (1+1' })
    expect(first.items.map(({ telemetry }) => telemetry.timestamp_ms - aMoment)).toEqual([500, 250])
    const second = await store.runs('acme', { limit: 2, text: 'NEEDLE (1+1', cursor: first.nextCursor! })
    expect(second.items.map(({ telemetry }) => telemetry.timestamp_ms - aMoment)).toEqual([0])
    await sink.close()
  })
})

const closing = <T extends { close(): Promise<void> }>(store: T): T & AsyncDisposable =>
  Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
