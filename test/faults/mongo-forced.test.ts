import { expect, it } from 'vitest'
import { type FakeMongo, fakeMongo, type MongoFault } from '../support/fake-mongo.ts'
import { eventually, pause } from '../support/within.ts'
import { keptInFake } from './kept.ts'
import { losses, none } from './ledger.ts'
import { type MongoRig, mongoRig } from './mongo-rig.ts'

async function nothingLost(rig: MongoRig, mongo: FakeMongo): Promise<void> {
  const sink = await rig.delivered(60_000)
  const kept = keptInFake(mongo).kept
  expect(losses(rig.ledger.compare(kept))).toEqual(none)
  expect(sink).toMatchObject({ accepted: kept.length, stored: kept.length, quarantined: 0, dropped: 0 })
  expect(new Set(mongo.ids('llm_runs'))).toEqual(new Set(mongo.ids('telemetry')))
  await eventually('the totals', () => keptInFake(mongo).counted === kept.length, 20_000)
}

it('stores a batch once whose answer was lost after it was stored, again and again (41)', async () => {
  await using mongo = await fakeMongo()
  let inserts = 0
  mongo.fault = (name) => (name !== 'connection_logs' && ++inserts % 5 === 0 ? { kind: 'applyThenReset' } : null)
  await using rig = await mongoRig(mongo.uri, 'db')
  await rig.load(8, () => pause(2_500))
  await nothingLost(rig, mongo)
  expect(mongo.duplicates).toBeGreaterThan(0)
}, 120_000)

it.each<MongoFault>([
  { kind: 'error', code: 10107 },
  { kind: 'error', code: 13 },
  { kind: 'error', code: 14031 },
  { kind: 'error', code: 462 },
  { kind: 'writeConcernError', code: 64 },
])(
  'tries again for ever after $kind $code, tells of it, and loses nothing (43)',
  async (fault) => {
    await using mongo = await fakeMongo()
    let broken = true
    mongo.fault = () => (broken ? fault : null)
    await using rig = await mongoRig(mongo.uri, 'db')
    await rig.load(4, () => pause(300))
    const away = await rig.healthOnce('the health to tell', ({ state }) => state !== 'ok', 10_000)
    expect(away.message).toMatch(/^takes nothing since 20.* \(\w.*\); records wait in the embedded database$/)
    expect(away.sink).toMatchObject({ stored: 0, quarantined: 0 })
    expect((await fetch(`${rig.proxy.url}/ready`)).status).toBe(200)
    broken = false
    await nothingLost(rig, mongo)
    await rig.healthOnce('the health to be well again', ({ state }) => state === 'ok')
  },
  120_000,
)

it('puts the documents aside that are refused one by one, and stores the rest (44, D9)', async () => {
  await using mongo = await fakeMongo()
  const poison = (document: { metadata?: { session_id?: string }; _id?: unknown }): boolean =>
    document.metadata?.session_id?.endsWith('7') === true
  mongo.fault = (collection) => (collection === 'telemetry' ? { kind: 'refuse', code: 121, when: poison } : null)
  await using rig = await mongoRig(mongo.uri, 'db')
  await rig.load(8, () => pause(1_000))
  const sink = await rig.delivered()
  const kept = keptInFake(mongo).kept
  expect(sink.quarantined).toBeGreaterThan(0)
  expect(sink).toMatchObject({ stored: kept.length, accepted: kept.length + sink.quarantined, pending: 0, dropped: 0 })
  const lost = losses(rig.ledger.compare(kept))
  expect(lost).toMatchObject({ requestsLost: [], doubled: [], untrue: [] })
  expect(lost.recordsLost).toHaveLength(sink.quarantined)
  for (const one of lost.recordsLost) expect(one).toMatch(/^call-\d*7 /)
  const health = await rig.health()
  expect([health.state, health.answeredBy]).toEqual(['ok', 'mongodb'])
}, 60_000)
