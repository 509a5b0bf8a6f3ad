import { expect, it } from 'vitest'
import { ownPaths } from '../../src/api/own-paths.ts'
import { apiRoutes } from '../../src/api/routes/index.ts'
import { aRecord } from '../support/records.ts'
import { adminToken, apiOver, idOf } from './api-server.ts'

const record = aRecord({ metadata: { key_id: idOf('sk-1') } })
const records = [record]
const all = apiRoutes('1.2.3', 0)
const routes = all.filter(({ method }) => method === 'GET').map(({ path, access }) => ({ path, access }))
const posts = all.filter(({ method }) => method === 'POST').map(({ path, access }) => ({ path, access }))
const example = (path: string): string =>
  path
    .replace('/keys/{id}', `/keys/${idOf('sk-1')}`)
    .replace('{id}', record.telemetry._id)
    .replace('{number}', '1')

it('leaves only these to everybody', () => {
  expect(routes.filter(({ access }) => access === 'public').map(({ path }) => path)).toEqual([
    '/health',
    '/ready',
    '/',
    '/openapi.json',
  ])
  expect(routes.length).toBeGreaterThan(8)
})

it.each(routes.filter(({ access }) => access === 'key'))(
  'answers $path to keys and to nobody else',
  async ({ path }) => {
    const api = await apiOver(records)
    for (const headers of [{}, { authorization: 'Bearer' }, { authorization: '' }, { cookie: `key=${adminToken}` }]) {
      const response = await api.get(example(path), null, headers as Record<string, string>)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="sightglass"')
      expect(await response.json()).toMatchObject({
        error: { type: 'authentication_error', code: 'missing_key', param: null },
      })
    }
    expect((await api.get(example(path), 'sk-1')).status).toBe(200)
  },
)

it.each(routes.filter(({ access }) => access === 'scraper' || access === 'admin'))(
  'answers $path to the admin, and to no key',
  async ({ path, access }) => {
    const api = await apiOver(records)
    for (const key of [null, 'sk-1']) {
      const response = await api.get(example(path), key)
      expect(response.status).toBe(access === 'admin' && key !== null ? 403 : 401)
      expect(await response.json()).toMatchObject({ error: { param: null } })
    }
    expect((await api.get(example(path), adminToken)).status).toBe(200)
  },
)

it.each(posts)('takes a POST to $path from the admin, and from no key', async ({ path, access }) => {
  expect(access).toBe('admin')
  const api = await apiOver(records)
  const post = (authorization: string) =>
    fetch(api.url + path, { method: 'POST', headers: { authorization }, body: 'no JSON' })
  expect((await post('')).status).toBe(401)
  expect((await post('Bearer sk-1')).status).toBe(403)
  const { status, headers } = await post(`Bearer ${adminToken}`)
  expect([status, headers.get('cache-control')]).toEqual([422, 'no-store'])
})

it('settles who asks before what is asked', async () => {
  const { status } = await (await apiOver([])).ask('/usage?limit=0', null)
  expect(status).toBe(401)
})

it('refuses the admin token in a URL', async () => {
  const { status, body } = await (await apiOver([])).ask(`/usage?key=${adminToken}`, null)
  expect([status, body.error.code]).toEqual([401, 'misplaced_token'])
  expect(JSON.stringify(body)).not.toContain(adminToken)
})

it.each(routes)('keeps every answer of $path out of caches and guesses', async ({ path }) => {
  const api = await apiOver(records)
  for (const key of [null, adminToken, 'sk-2']) {
    const { headers } = await api.get(example(path), key)
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff'])
  }
})

it.each(routes)('takes GET and HEAD at $path and says so to other methods', async ({ path, access }) => {
  const api = await apiOver(records)
  const authorization = `Bearer ${access === 'admin' || access === 'scraper' ? adminToken : 'sk-1'}`
  const head = await fetch(api.url + example(path), { method: 'HEAD', headers: { authorization } })
  expect([head.status, await head.text()]).toEqual([200, ''])
  const takesPost = posts.some((post) => post.path === path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    if (method === 'POST' && takesPost) continue
    const refused = await fetch(api.url + example(path), { method, headers: { authorization } })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, takesPost ? 'GET, HEAD, POST' : 'GET, HEAD'])
    expect(await refused.json()).toMatchObject({ error: { code: 'method_not_allowed' } })
  }
})

it('tells what is not built yet from what never was', async () => {
  const api = await apiOver([])
  for (const path of ownPaths) {
    if (routes.some((route) => route.path.startsWith(path))) continue
    for (const below of ['', '/x', '?a=b'])
      expect(await api.ask(path + below)).toMatchObject({ status: 404, body: { error: { code: 'not_built' } } })
  }
  for (const path of ['/usage/x/y', '/healthy', '/nothing?key=sk-1', '/llm-history/a/b'])
    expect(await api.ask(path)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
})
