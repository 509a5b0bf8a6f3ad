import { expect, it } from 'vitest'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { eventually, pause } from '../support/within.ts'
import { keptInMongo } from './kept.ts'
import { losses, none } from './ledger.ts'
import { mongoRig } from './mongo-rig.ts'

await suiteWithMongo('a MongoDB that fails', (server) => {
  it.skipIf(!server.restartable)(
    'loses and doubles nothing when MongoDB is away at the start and comes later (40, C12, T2)',
    async () => {
      const database = server.database()
      await server.kill()
      await using rig = await mongoRig(server.uri, database)
      const warned = await eventually('a warning', () =>
        rig.proxy.events.find(({ level, message }) => level === 'warn' && message.startsWith('a sink takes nothing')),
      )
      expect(warned.fields).toMatchObject({ sink: 'mongodb', setting: 'MONGO_URI' })
      await rig.load(16, () => pause(1_500))
      await rig.proxy.settled()
      const away = await rig.health()
      expect(['degraded', 'down']).toContain(away.state)
      expect([away.answeredBy, away.sink?.stored]).toEqual(['sqlite', 0])
      expect(away.sink?.pending).toBeGreaterThan(100)
      expect((await fetch(`${rig.proxy.url}/ready`)).status).toBe(200)
      await server.start()
      const sink = await rig.delivered(120_000)
      const found = await keptInMongo(server.uri, database)
      expect(losses(rig.ledger.compare(found.kept))).toEqual(none)
      expect(sink).toMatchObject({ stored: found.kept.length, quarantined: 0, dropped: 0 })
      await eventually('the totals', async () => (await keptInMongo(server.uri, database)).counted === sink.stored)
      const back = await rig.healthOnce('MongoDB to answer', ({ answeredBy }) => answeredBy === 'mongodb', 30_000)
      expect([back.state, back.message]).toEqual(['ok', null])
    },
    240_000,
  )

  it.skipIf(!server.restartable)(
    'loses and doubles nothing when MongoDB is killed and started again and again under load (41, D9)',
    async () => {
      const database = server.database()
      await using rig = await mongoRig(server.uri, database)
      await rig.load(16, async () => {
        // the first ones while collections and indexes are being made
        for (const afterMs of [150, 400, 1_000]) {
          await pause(afterMs)
          await server.kill()
          await pause(500)
          await server.start()
        }
      })
      const sink = await rig.delivered(180_000)
      const found = await keptInMongo(server.uri, database)
      expect(losses(rig.ledger.compare(found.kept))).toEqual(none)
      expect([found.kept.length, found.runs]).toEqual([sink.stored, sink.stored])
      expect(sink).toMatchObject({ quarantined: 0, dropped: 0 })
      await eventually(
        'the totals',
        async () => (await keptInMongo(server.uri, database)).counted === sink.stored,
        20_000,
      )
    },
    240_000,
  )
})
