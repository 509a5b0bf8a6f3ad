import { expect, it, onTestFinished } from 'vitest'
import { Refused } from '../../../src/delivery/sink.ts'
import { openMongoSink } from '../../../src/stores/mongodb/index.ts'
import { type FakeMongo, fakeMongo } from '../../support/fake-mongo.ts'
import { listeningLog } from '../../support/mongo-store.ts'
import { aRecord } from '../../support/records.ts'

const { signal } = new AbortController()
const records = (count: number) => Array.from({ length: count }, () => aRecord())

/** A server, a sink, and how many records each insert into a collection had. */
async function aSink() {
  const mongo: FakeMongo = await fakeMongo()
  const sink = openMongoSink({ uri: mongo.uri, database: 'db', instance: 'i', log: listeningLog() })
  onTestFinished(async () => {
    await sink.close()
    await mongo[Symbol.asyncDispose]()
  })
  const inserts: string[] = []
  return { mongo, sink, inserts }
}

it('a large batch goes in a few parts at once, a small one in one piece', async () => {
  const { mongo, sink, inserts } = await aSink()
  let running = 0
  let most = 0
  mongo.fault = (name) => {
    inserts.push(name)
    most = Math.max(most, ++running)
    setTimeout(() => running--, 500)
    return { kind: 'slow', ms: 500 }
  }
  await sink.write(records(1_000), signal)
  expect(inserts.toSorted()).toEqual([...Array(4).fill('llm_runs'), ...Array(4).fill('telemetry')])
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
  expect([mongo.ids('llm_runs').length, mongo.ids('telemetry').length]).toEqual([1_000, 1_000])
  inserts.length = 0
  await sink.write(records(50), signal)
  expect(inserts).toEqual(['llm_runs', 'telemetry'])
})

it('a call is listed only when its run is there', async () => {
  const { mongo, sink } = await aSink()
  const missing: string[] = []
  mongo.fault = (name, ids) => {
    const runs = new Set(mongo.ids('llm_runs'))
    if (name === 'telemetry') missing.push(...ids.filter((id) => !runs.has(id)))
    return null
  }
  await sink.write(records(400), signal)
  expect([missing, mongo.ids('telemetry').length]).toEqual([[], 400])
})

it('the write fails when one part does, once the others have ended, and all is there after the next', async () => {
  const { mongo, sink, inserts } = await aSink()
  mongo.fault = (name) => {
    inserts.push(name)
    if (inserts.length === 1) return { kind: 'error', code: 91 }
    return { kind: 'slow', ms: 200 }
  }
  const batch = records(1_000)
  await expect(sink.write(batch, signal)).rejects.toMatchObject({ code: 91 })
  const atTheEnd = inserts.length
  expect(mongo.ids('telemetry').length).toBe(mongo.ids('llm_runs').length)
  expect(atTheEnd).toBeLessThan(8)
  mongo.fault = () => null
  await sink.write(batch, signal)
  expect(new Set(mongo.ids('telemetry'))).toEqual(new Set(batch.map(({ telemetry }) => telemetry._id)))
})

it('what is refused in any part is named, and nothing else is missing', async () => {
  const { mongo, sink } = await aSink()
  const batch = records(800)
  const poison = new Set([5, 205, 405, 799].map((at) => batch[at]!.telemetry._id))
  mongo.fault = (name) => {
    const when = ({ _id }: { _id?: unknown }) => poison.has(String(_id))
    return name === 'telemetry' ? { kind: 'refuse', code: 121, when } : null
  }
  const refused = await sink.write(batch, signal).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(Refused)
  expect(new Set((refused as Refused).refused.map(({ id }) => id))).toEqual(poison)
  expect(mongo.ids('telemetry')).toHaveLength(796)
})
