import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MongoClient } from 'mongodb'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openStore } from '../../src/stores/sqlite/query.ts'
import { answer, json } from '../support/answer.ts'
import { completion, question } from '../support/chat.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually } from '../support/within.ts'

vi.setConfig({ testTimeout: 90_000 })

const ask = requestBytes(
  'POST',
  '/v1/chat/completions',
  [['content-type', 'application/json']],
  JSON.stringify(question),
)
const day = 86_400_000
const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-retention-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
/** A process whose clock is ahead. */
const ahead = (days: number) => ({
  CLOCK_AHEAD_MS: `${days * day}`,
  NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, '..', 'support', 'later-clock.ts')).href}`,
})
const idOf = async (proxy: SpawnedProxy): Promise<string> =>
  (await rawExchange(proxy.port, ask)).header('x-sightglass-id') ?? ''
const api = async (proxy: { url: string; adminToken: string }, path: string) =>
  (await fetch(proxy.url + path, { headers: { authorization: `Bearer ${proxy.adminToken}` } })).json()
const listed = async (proxy: SpawnedProxy): Promise<string[]> =>
  ((await api(proxy, '/llm-history?limit=100')) as { items: { _id: string }[] }).items.map(({ _id }) => _id)
const stored = (proxy: SpawnedProxy, count: number) =>
  eventually(`${count} records`, async () => {
    const { records } = (await api(proxy, '/health')) as { records: { stored: number; pending: number } }
    return records.stored === count && records.pending === 0
  })

it('calls of 31 days ago are gone and newer ones stay, sums stay exact, and it is told (M15, X6)', async () => {
  const dataDir = temporary()
  await using upstream = await scriptedUpstream(() => json(completion))
  const upstreams = { openai: upstream.port }
  {
    await using proxy = await spawnProxy({ dataDir, upstreams })
    for (let call = 0; call < 3; call++) await idOf(proxy)
    await stored(proxy, 3)
  }
  const kept: string[] = []
  {
    await using proxy = await spawnProxy({ dataDir, upstreams, env: { ...ahead(20), BODIES_DAYS: '10' } })
    kept.push(await idOf(proxy), await idOf(proxy))
    await stored(proxy, 2)
    await eventually(
      'the older bodies to go',
      async () => {
        const { deleted } = (await api(proxy, '/db-status')) as { deleted: { by_age: { bodies: number } } }
        return deleted.by_age.bodies === 3
      },
      20_000,
    )
    expect(await listed(proxy)).toHaveLength(5)
  }
  await using proxy = await spawnProxy({ dataDir, upstreams, env: ahead(31) })
  kept.push(await idOf(proxy))
  await eventually('the oldest calls to go', async () => (await listed(proxy)).length === 3, 20_000)
  expect((await listed(proxy)).sort()).toEqual([...kept].sort())
  expect(await api(proxy, '/usage?group_by=project')).toMatchObject({
    groups: [{ requests: 6, total_tokens: 60 }],
  })
  expect(await api(proxy, '/db-status')).toMatchObject({
    collections: { telemetry: 3, llm_runs: 3 },
    deleted: { by_age: { records: 3, bodies: 3, words: 0, rollups: 0 } },
  })
  await eventually('the log to tell', () => proxy.output().includes('retention deleted what was too old'))
  const store = openStore(join(dataDir, 'sightglass.sqlite'))
  for (const id of kept) expect(await store.body(null, id, 'response')).not.toBeNull()
  await store.close()
})

it('the embedded database stays within its size while calls go on, each of them recorded and counted', async () => {
  const limit = 8 * 2 ** 20
  await using upstream = await scriptedUpstream(() =>
    answer({ body: randomBytes(150_000).toString('latin1'), headers: [['content-type', 'application/octet-stream']] }),
  )
  await using proxy = await startProxy({
    upstreams: { openai: upstream.port },
    databaseLimitBytes: limit,
    journalLimitBytes: 200 * 2 ** 20,
  })
  const path = join(proxy.dataDir, 'sightglass.sqlite')
  const calls = 200
  let largest = 0
  for (let call = 0; call < calls; call++) {
    expect((await rawExchange(proxy.port, requestBytes('GET', '/v1/file'))).status).toBe(200)
    largest = Math.max(largest, statSync(path).size)
    if (call % 10 === 9) await proxy.settled()
  }
  await proxy.settled()
  expect(calls * 150_000).toBeGreaterThan(3 * limit)
  await eventually('the file to be small again', () => statSync(path).size < limit, 20_000, 50)
  expect(largest).toBeLessThan(1.5 * limit)
  const { records } = (await api(proxy, '/health')) as { records: Record<string, number> }
  expect(records).toEqual({ accepted: calls, stored: calls, pending: 0, quarantined: 0, dropped: 0, unprotected: 0 })
  const { total } = (await api(proxy, '/llm-history?operation=all')) as { total: number }
  expect(total).toBe(calls)
  const status = (await api(proxy, '/db-status')) as { deleted: { by_size: Record<string, number> } }
  expect(status.deleted.by_size.records).toBe(0)
  expect(status.deleted.by_size.bodies).toBeGreaterThan(calls / 2)
  const newest = await proxy.store.runs(null, { limit: 1, operation: 'all' })
  expect(await proxy.store.body(null, newest.items[0]!.telemetry._id, 'response')).not.toBeNull()
})

await suiteWithMongo('retention in MongoDB', (server) => {
  it('calls of 31 days ago are gone there too, and here; bodies and sums by their own days (M15, X6)', async () => {
    if (server.kind !== 'ferretdb') return // a server with an expiry of its own goes by its own clock
    const dataDir = temporary()
    const database = server.database()
    await using upstream = await scriptedUpstream(() => json(completion))
    const options = { dataDir, upstreams: { openai: upstream.port } }
    const env = { MONGO_URI: server.uri, DB_NAME: database, BODIES_DAYS: '15' }
    await using client = new MongoClient(server.uri)
    const db = client.db(database)
    const ids = async (name: string) => (await db.collection(name).distinct('_id')).map(String).sort()
    const kept: string[] = []
    for (const [days, calls] of [
      [0, 2],
      [14, 1],
      [31, 1],
    ] as const) {
      await using proxy = await spawnProxy({ ...options, env: { ...env, ...(days > 0 ? ahead(days) : {}) } })
      for (let call = 0; call < calls; call++) {
        const id = await idOf(proxy)
        if (days > 0) kept.push(id)
        await eventually('the call in MongoDB', async () => (await ids('telemetry')).includes(id), 20_000, 50)
      }
      if (days < 31) continue
      kept.sort()
      for (const name of ['telemetry', 'llm_runs'])
        await eventually(`the oldest of ${name} to go`, async () => (await ids(name)).length === 2, 20_000, 50)
      expect([await ids('telemetry'), await ids('llm_runs')]).toEqual([kept, kept])
      const bodies = await eventually('the bodies', async () => {
        const runs = await db
          .collection('llm_runs')
          .find({ response_bytes: { $ne: null } })
          .toArray()
        return runs.length === 1 ? runs : null
      })
      expect(bodies[0]?._id).toBe(kept[1])
      await eventually(
        'the embedded rows',
        async () => {
          const { deleted } = (await api(proxy, '/db-status')) as { deleted: { by_age: { records: number } } }
          return deleted.by_age.records === 2
        },
        20_000,
      )
      expect(await api(proxy, '/usage')).toMatchObject({ totals: { requests: 4 } })
    }
  })
})
