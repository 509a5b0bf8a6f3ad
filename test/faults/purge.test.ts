import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { eventually } from '../support/within.ts'
import { purgeRig, usersIn, usersInCsv } from './purge-rig.ts'

vi.setConfig({ testTimeout: 120_000 }) // FerretDB is slow on a busy machine

const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-purge-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

await suiteWithMongo('a purge through the whole process', (server) => {
  const rigOn = async (database: string) => purgeRig(temporary(), { MONGO_URI: server.uri, DB_NAME: database })
  const delivered = (rig: Awaited<ReturnType<typeof rigOn>>) =>
    eventually(
      'everything to be delivered',
      async () => {
        const { mongodb } = (await rig.health()).sinks
        return mongodb !== undefined && mongodb.accepted > 0 && mongodb.pending === 0 ? mongodb : null
      },
      60_000,
      50,
    )

  it('deletes by user, by project and by date from MongoDB too, and counts it, while calls go on', async () => {
    const database = server.database()
    await using rig = await rigOn(database)
    await rig.calls('ada', 'acme', 3)
    await rig.calls('bob', 'acme', 2)
    await rig.calls('eve', 'beta', 2)
    await rig.settled()
    await delivered(rig)
    await eventually('the totals', async () => (await usersIn(server.uri, database)).byUser.eve === 2)

    const { number } = await rig.purge({ user: 'ada' })
    await rig.calls('ada', 'acme')
    const byUser = await rig.purged(number)
    expect(byUser.parts.map(({ name, counts }) => [name, counts])).toEqual([
      ['embedded', { records: 3, bodies: 3, quarantined: 0, pending: 0, rollups: 1 }],
      ['csv', { rows: 0, changed: 0 }],
      ['mongodb', { telemetry: 3, llm_runs: 3, rollups: 1 }],
    ])
    await delivered(rig)
    const left = () => usersIn(server.uri, database)
    await eventually('the totals', async () => (await left()).byUser.ada === 1, 10_000)
    expect(await left()).toEqual({
      calls: { ada: 1, bob: 2, eve: 2 },
      runs: { ada: 1, bob: 2, eve: 2 },
      byUser: { ada: 1, bob: 2, eve: 2 },
      byProject: { acme: 6, beta: 2 },
    })

    await rig.purged((await rig.purge({ project: 'acme' })).number)
    expect(await left()).toEqual({ calls: { eve: 2 }, runs: { eve: 2 }, byUser: { eve: 2 }, byProject: { beta: 2 } })
    await rig.calls('bob', 'acme')
    await delivered(rig)
    await eventually('the totals', async () => (await left()).byProject.acme === 1, 10_000)

    await rig.purged((await rig.purge({ before: '1h' })).number)
    expect((await left()).calls).toEqual({ eve: 2, bob: 1 })
    await rig.purged((await rig.purge({ before: 'now' })).number)
    expect((await left()).calls).toEqual({})
    expect((await delivered(rig)).accepted).toBe(9)
  })

  it.skipIf(!server.restartable)(
    'of what waits for a MongoDB that is away never reaches it, also after kill -9 again and again; calls of after it do',
    async () => {
      const database = server.database()
      await using rig = await rigOn(database)
      await rig.calls('ada', 'acme', 4)
      await rig.calls('bob', 'acme', 3)
      await rig.settled()
      await delivered(rig)
      await server.kill()
      await rig.calls('ada', 'acme', 5)
      await rig.calls('bob', 'acme', 2)
      const endCall = await rig.openCall('ada', 'acme')
      await eventually('all but the open call', async () => (await rig.health()).records.stored === 14)
      const csv = join(rig.dataDir, 'telemetry_logs')
      await eventually('the CSV files', () => usersInCsv(csv).length >= 7, 60_000, 50)

      const { number } = await rig.purge({ user: 'ada' })
      await rig.killed()
      const waiting = await rig.purged(number, 'waiting')
      expect(waiting.parts.find(({ name }) => name === 'mongodb')).toMatchObject({ state: 'waiting', counts: {} })
      await eventually('the rows to go', () => !usersInCsv(csv).includes('ada'), 20_000)
      expect(usersInCsv(csv)).toEqual(['bob', 'bob'])
      await rig.calls('ada', 'acme')
      await rig.settled()
      const away = (await rig.health()).sinks.mongodb
      expect(away).toMatchObject({ accepted: 15, stored: 7, pending: 3, dropped: 5 })
      expect((await rig.health()).records.dropped).toBe(1) // the call that was open and ended with the process
      await endCall().catch(() => {}) // cut by the kill

      await rig.killed()
      await server.start()
      const done = await rig.purged(number, 'done', 60_000)
      expect(done.parts.find(({ name }) => name === 'mongodb')?.counts).toMatchObject({ telemetry: 4, llm_runs: 4 })
      expect(await delivered(rig)).toEqual({ accepted: 15, stored: 10, pending: 0, quarantined: 0, dropped: 5 })
      await eventually('the totals', async () => (await usersIn(server.uri, database)).byUser.ada === 1, 20_000)
      expect(await usersIn(server.uri, database)).toEqual({
        calls: { ada: 1, bob: 5 },
        runs: { ada: 1, bob: 5 },
        byUser: { ada: 1, bob: 5 },
        byProject: { acme: 15 },
      })
    },
  )

  it('of a call that is still running leaves nothing of it, and counts it as dropped', async () => {
    const database = server.database()
    await using rig = await rigOn(database)
    const endCall = await rig.openCall('ada', 'acme')
    await rig.purged((await rig.purge({ user: 'ada' })).number)
    await endCall()
    await rig.calls('ada', 'acme')
    await rig.settled()
    expect((await rig.health()).records).toMatchObject({ accepted: 2, stored: 1, pending: 0, dropped: 1 })
    expect(await delivered(rig)).toMatchObject({ accepted: 1, stored: 1, dropped: 0 })
    expect((await usersIn(server.uri, database)).calls).toEqual({ ada: 1 })
  })
})
