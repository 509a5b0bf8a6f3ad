import { join } from 'node:path'
import { expect, it } from 'vitest'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { eventually, pause } from '../support/within.ts'
import { callsInFiles, eventsInFiles } from './csv-files.ts'
import { keptInMongo } from './kept.ts'
import { losses, none } from './ledger.ts'
import { mongoRig } from './mongo-rig.ts'

await suiteWithMongo('the CSV fallback of a MongoDB that is away', (server) => {
  it.skipIf(!server.restartable)(
    'holds each call once until MongoDB is back, which then gets every call once (D8, D9, 53)',
    async () => {
      const database = server.database()
      await server.kill()
      await using rig = await mongoRig(server.uri, database)
      const directory = join(rig.proxy.dataDir, 'telemetry_logs')
      await rig.load(8, () => pause(1_000))
      await rig.proxy.settled()
      const { sink: away } = await rig.health()
      await eventually('every call in the files', () => callsInFiles(directory).length >= away!.accepted, 60_000, 100)
      expect(new Set(callsInFiles(directory)).size).toBe(away!.accepted)
      const [warned, ...again] = rig.proxy.events.filter(({ message }) => message.startsWith('a sink is away'))
      expect(again).toEqual([])
      expect(warned).toMatchObject({ level: 'warn', fields: { sink: 'mongodb', directory } })

      await server.start()
      await rig.delivered(60_000)
      await eventually('the row of the recovery', () => eventsInFiles(directory).length > 1)
      expect(eventsInFiles(directory)).toEqual(['connection_lost', 'connection_reconnected'])
      const inFiles = callsInFiles(directory)
      await rig.load(8, () => pause(200))
      await rig.delivered()
      expect(callsInFiles(directory)).toEqual(inFiles)
      const found = await keptInMongo(server.uri, database)
      expect(losses(rig.ledger.compare(found.kept))).toEqual(none)
      expect(new Set(inFiles).size).toBe(inFiles.length)
      const kept = new Set(found.kept.map(({ id }) => id))
      expect(inFiles.filter((id) => !kept.has(id))).toEqual([])
    },
    150_000,
  )
})
