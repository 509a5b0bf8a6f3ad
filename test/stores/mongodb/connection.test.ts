import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionTo, settingsFor } from '../../../src/stores/mongodb/connection.ts'
import { openMongoSink, openMongoStore } from '../../../src/stores/mongodb/index.ts'
import { fakeMongo } from '../../support/fake-mongo.ts'
import { faultLink } from '../../support/fault-link.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { aRecord } from '../../support/records.ts'
import { within } from '../../support/within.ts'

describe('the settings of the driver', () => {
  it('wait for nothing for ever, and take an acknowledgement from most members’ disks', () => {
    expect(settingsFor('mongodb://127.0.0.1/')).toEqual({
      appName: 'sightglass',
      serverSelectionTimeoutMS: 2000,
      connectTimeoutMS: 2000,
      socketTimeoutMS: 10_000,
      maxPoolSize: 6,
      waitQueueTimeoutMS: 2000,
      writeConcern: { w: 'majority', journal: true },
    })
  })

  it('leave waiting and pools to an address that speaks of them, acknowledgements not', () => {
    const settings = settingsFor('mongodb+srv://u:p@cluster.example.com/?maxpoolsize=9&connectTimeoutMS=9000&w=0')
    expect(settings).not.toHaveProperty('maxPoolSize')
    expect(settings).not.toHaveProperty('connectTimeoutMS')
    expect(settings).toMatchObject({ socketTimeoutMS: 10_000, writeConcern: { w: 'majority', journal: true } })
  })
})

describe('a server that takes connections and never answers', () => {
  const sockets: Socket[] = []
  const listener = createServer((socket) => void sockets.push(socket))
  let uri: string

  beforeAll(async () => {
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    uri = `mongodb://127.0.0.1:${(listener.address() as AddressInfo).port}/`
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })

  it('keeps no batch longer than its deadline', async () => {
    const sink = openMongoSink({ uri, database: 'x', instance: 'i', log: listeningLog(), writeMs: 200 })
    await within(1500, 'the deadline', expect(sink.write([aRecord()], new AbortController().signal)).rejects.toThrow())
    await sink.close()
  })

  it('keeps no batch longer than it is told to wait', async () => {
    const sink = openMongoSink({ uri, database: 'x', instance: 'i', log: listeningLog() })
    const stopping = new AbortController()
    const written = sink.write([aRecord()], stopping.signal)
    stopping.abort(new Error('enough'))
    await expect(written).rejects.toThrow('enough')
    await sink.close()
  })

  it('keeps no question longer than its deadline', async () => {
    const store = openMongoStore({ uri, database: 'x', questionMs: 200 })
    await within(1500, 'the deadline', expect(store.run(null, 'x')).rejects.toThrow())
    await store.close()
  })
})

it('the connection is one for all who open it, is tried anew after a failure, and is let go at the end (T1)', async () => {
  await using mongo = await fakeMongo()
  await using link = await faultLink(mongo.port)
  await link.refuse()
  const connection = connectionTo({ uri: `mongodb://127.0.0.1:${link.port}/?directConnection=true`, database: 'x' })
  await expect(connection.open()).rejects.toThrow('ECONNREFUSED')
  await link.accept()
  const [one, other] = await Promise.all([connection.open(), connection.open()])
  expect(one.db.client).toBe(other.db.client)
  expect(await one.db.command({ ping: 1 })).toMatchObject({ ok: 1 })
  await connection.close()
  await expect(other.db.command({ ping: 1 })).rejects.toThrow('must be connected')
})

it('the driver is loaded with the first batch or question, not before', async () => {
  const script = `
    import { createRequire } from 'node:module'
    const { openMongoSink, openMongoStore } = await import('./src/stores/mongodb/index.ts')
    const address = { uri: 'mongodb://127.0.0.1:1/', database: 'x' }
    const sink = openMongoSink({ ...address, instance: 'i', log: { info() {}, warn() {} } })
    const store = openMongoStore({ ...address, questionMs: 1 })
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => /node_modules.mongodb/.test(path))
    const before = loaded()
    await store.status().catch(() => {})
    await import('mongodb')
    console.log(before, loaded())
    await sink.close()
    await store.close()`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: join(import.meta.dirname, '..', '..', '..'),
  })
  expect(stdout.trim()).toBe('false true')
})
