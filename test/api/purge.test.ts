import { expect, it, onTestFinished } from 'vitest'
import type { PurgeWish } from '../../src/records/purge.ts'
import { openStore } from '../../src/stores/sqlite/query.ts'
import { aRecord } from '../support/records.ts'
import { aDatabase, emptyBatch } from '../support/sqlite-store.ts'
import { adminToken, apiOver, healthy, type Json, notAsked, nowMs } from './api-server.ts'

/** The API over a database of its own, whose recorder writes purges down and carries them out when the test says so. */
async function purging(status = healthy) {
  const { path, local, remove } = aDatabase()
  local.commit({ ...emptyBatch, records: [aRecord(), aRecord({ metadata: { user_id: 'bob' } })] })
  const own = openStore(path)
  onTestFinished(async () => {
    await own.close()
    remove()
  })
  const wishes: PurgeWish[] = []
  const api = await apiOver([], {
    own: { ...notAsked, purge: own.purge, purges: own.purges },
    status: async () => status,
    async purge(wish) {
      wishes.push(wish)
      return local.purges.ask(wish, nowMs)
    },
  })
  const post = async (body: unknown): Promise<{ status: number; body: Json }> => {
    const response = await fetch(`${api.url}/purge`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: await response.json() }
  }
  const carryOut = () => {
    while (local.purges.step(nowMs + 1) !== 'idle');
  }
  return { api, post, wishes, carryOut }
}

it('writes a purge down, and tells how far it is', async () => {
  const { api, post, carryOut } = await purging()
  const { status, body } = await post({ user: 'ada' })
  expect([status, body]).toEqual([
    201,
    {
      number: 1,
      dry_run: false,
      project: null,
      user: 'ada',
      before: null,
      bound: new Date(nowMs).toISOString(),
      asked_at: new Date(nowMs).toISOString(),
      state: 'waiting',
      parts: [{ name: 'embedded', state: 'waiting', done_at: null, message: null, counts: expect.anything() }],
    },
  ])
  carryOut()
  expect((await api.ask('/purge/1')).body).toMatchObject({
    state: 'done',
    parts: [{ name: 'embedded', state: 'done', done_at: new Date(nowMs + 1).toISOString(), counts: { records: 1 } }],
  })
})

it('reads names and dates as every other question does', async () => {
  const { post, wishes } = await purging()
  await post({ project: 'ACME', before: '2026-11-20', tz: 'Europe/Berlin', dry_run: true })
  await post({ before: 'now' })
  expect(wishes).toEqual([
    { project: 'acme', user: null, beforeMs: Date.UTC(2026, 10, 19, 23), dry: true },
    { project: null, user: null, beforeMs: nowMs, dry: false },
  ])
})

it.each([
  [{}, 'project'],
  [{ dry_run: true }, 'project'],
  [{ user: '' }, 'user'],
  [{ user: 7 }, 'user'],
  [{ user: { $ne: 1 } }, 'user'],
  [{ user: 'a'.repeat(201) }, 'user'],
  [{ before: 'yesterday' }, 'before'],
  [{ before: '2027-01-01' }, 'before'],
  [{ user: 'ada', tz: 'Mars/Olympus' }, 'tz'],
  [{ user: 'ada', dry_run: 'yes' }, 'dry_run'],
  [{ usre: 'ada' }, 'usre'],
  ['no JSON', null],
  ['[1]', null],
  ['', null],
  [`"${'a'.repeat(70_000)}"`, null],
])('refuses %j and deletes nothing', async (given, param) => {
  const { post, wishes } = await purging()
  const { status, body } = await post(given)
  expect([status, body.error.param]).toEqual([422, param])
  expect(wishes).toEqual([])
})

it('lists purges, newest first, without dry ones', async () => {
  const { api, post } = await purging()
  for (const body of [{ user: 'a' }, { user: 'b', dry_run: true }, { user: 'c' }, { user: 'd' }]) await post(body)
  const first = (await api.ask('/purge?limit=2')).body
  expect(first.items.map(({ user }: Json) => user)).toEqual(['d', 'c'])
  const second = (await api.ask(`/purge?limit=2&cursor=${first.next_cursor}`)).body
  expect(second).toMatchObject({ items: [{ user: 'a' }], next_cursor: null })
})

it.each(['/purge/99', '/purge/x', '/purge/1e3'])('knows no %s', async (path) => {
  const { api } = await purging()
  expect((await api.ask(path)).status).toBe(404)
})

it('answers 503 when the purge could not be written down', async () => {
  const api = await apiOver([])
  const response = await fetch(`${api.url}/purge`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}` },
    body: JSON.stringify({ user: 'ada' }),
  })
  expect(response.status).toBe(503)
  expect(api.failures).toHaveLength(1)
})
