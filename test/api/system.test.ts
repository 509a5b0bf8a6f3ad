import { request } from 'node:http'
import { expect, it } from 'vitest'
import { health, info } from '../../src/api/schemas/system.ts'
import type { Store } from '../../src/stores/store.ts'
import { aRecord } from '../support/records.ts'
import { apiOver, healthy, idOf, storeOf } from './api-server.ts'

it('tells anybody how the parts are, by asking them each time', async () => {
  let active = 3
  const api = await apiOver([], { status: async () => ({ ...healthy, activeRequests: active++ }) })
  const first = await api.ask('/health', null)
  expect(first.status).toBe(200)
  expect(first.body).toEqual({
    status: 'ok',
    version: '1.2.3',
    uptime_seconds: 0.25,
    timestamp: '2026-11-20T12:15:30.000Z',
    services: healthy.services,
    records: healthy.records,
    sinks: {},
    answered_by: 'sqlite',
    active_requests: 3,
  })
  expect(health.parse(first.body)).toEqual(first.body)
  const second = await api.ask('/health', null)
  expect(second.body).toMatchObject({ uptime_seconds: 0.5, active_requests: 4 })
})

it.each([
  ['store', 'degraded', 'degraded', 200],
  ['store', 'down', 'degraded', 200],
  ['journal', 'degraded', 'degraded', 200],
  ['journal', 'down', 'unhealthy', 503],
  ['recorder', 'down', 'unhealthy', 503],
] as const)('with %s %s it is %s and answers %i', async (service, state, verdict, status) => {
  const services = { ...healthy.services, [service]: { state, message: 'no space left' } }
  const answer = await (await apiOver([], { status: async () => ({ ...healthy, services }) })).ask('/health', null)
  expect([answer.status, answer.body.status]).toEqual([status, verdict])
  expect(answer.body.services[service]).toEqual({ state, message: 'no space left' })
})

it('tells of a MongoDB that is away and of what waits for it, and is ready all the same', async () => {
  const mongodb = { state: 'down', message: 'takes nothing since noon' } as const
  const waiting = { accepted: 9, stored: 3, pending: 5, quarantined: 1, dropped: 0 }
  const status = async () => ({
    ...healthy,
    services: { ...healthy.services, mongodb },
    sinks: { mongodb: waiting },
    answeredBy: 'sqlite',
  })
  const api = await apiOver([], { status })
  const answer = await api.ask('/health', null)
  expect([answer.status, answer.body.status]).toEqual([200, 'degraded'])
  expect(answer.body).toMatchObject({ services: { mongodb }, sinks: { mongodb: waiting }, answered_by: 'sqlite' })
  expect(health.parse(answer.body)).toEqual(answer.body)
  expect((await api.ask('/ready', null)).status).toBe(200)
})

it('is unhealthy when the parts cannot be asked, and reports why without telling', async () => {
  const api = await apiOver([], { status: () => Promise.reject(new Error('recorder thread is gone')) })
  const { status, body } = await api.ask('/health', null)
  expect([status, body.status, body.services, body.records]).toEqual([503, 'unhealthy', null, null])
  expect(JSON.stringify(body)).not.toContain('recorder thread')
  expect(api.failures).toMatchObject([{ error: { message: 'recorder thread is gone' }, route: '/health' }])
})

it('finds out by itself that the store does not answer', async () => {
  const store: Store = { ...storeOf([]), status: () => Promise.reject(new Error('SQLITE_IOERR')) }
  const api = await apiOver([], { store })
  const { status, body } = await api.ask('/health', null)
  expect([status, body.status]).toEqual([200, 'degraded'])
  expect(body.services.store).toEqual({ state: 'down', message: 'the store does not answer' })
  expect(api.failures).toMatchObject([{ error: { message: 'SQLITE_IOERR' }, route: '/health' }])
})

it('is ready only while the process says so', async () => {
  let isReady = false
  const api = await apiOver([], { ready: () => isReady })
  expect(await api.ask('/ready', null)).toEqual({ status: 503, body: { ready: false } })
  isReady = true
  expect(await api.ask('/ready', null)).toEqual({ status: 200, body: { ready: true } })
})

it('minds no parameters of probes and browsers', async () => {
  const api = await apiOver([])
  for (const path of ['/health?t=1&t=2', '/ready?verbose', '/?utm_source=x', '/openapi.json?v=1'])
    expect((await api.get(path, null)).status).toBe(200)
})

it('tells who asks', async () => {
  const api = await apiOver([])
  const admin = await api.ask('/info')
  expect(admin.body).toMatchObject({ service: 'sightglass', token_type: 'admin', key_id: null, database: 'sqlite' })
  expect(info.parse(admin.body)).toEqual(admin.body)
  expect((await api.ask('/info', 'sk-1')).body).toMatchObject({
    token_type: 'key',
    key_id: idOf('sk-1'),
    active_requests: 3,
  })
})

it('answers 503 when the store fails or is late, and shows nothing of the cause', async () => {
  const store: Store = {
    ...storeOf([]),
    runs: () => Promise.reject(new Error('SQLITE_CORRUPT at /data/secret')),
    usage: () => new Promise(() => {}),
  }
  const api = await apiOver([], { store, deadlineMs: 20 })
  const broken = await api.get('/llm-history')
  expect([broken.status, broken.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await broken.json()).toEqual({
    error: {
      message: 'the store does not answer now; calls are still proxied and recorded',
      type: 'server_error',
      code: 'store_unavailable',
      param: null,
    },
  })
  expect((await api.ask('/usage')).body.error.code).toBe('store_timeout')
  expect(api.failures.map(({ route, error }) => [route, String(error)])).toEqual([
    ['/llm-history', 'Error: SQLITE_CORRUPT at /data/secret'],
    ['/usage', 'Late: no answer within 20 ms'],
  ])
})

it('says when too many questions are waiting', async () => {
  class Busy extends Error {
    override name = 'Busy'
  }
  const store: Store = { ...storeOf([]), usage: () => Promise.reject(new Busy('256 lookups are waiting already')) }
  const { status, body } = await (await apiOver([], { store })).ask('/usage')
  expect([status, body.error.code]).toEqual([503, 'store_busy'])
})

it('answers 500 without a stack when something of ours fails', async () => {
  const runs = async () => ({ items: [null as never], nextCursor: null, total: 1 })
  const store: Store = { ...storeOf([]), runs }
  const api = await apiOver([], { store })
  const { status, body } = await api.ask('/llm-history')
  expect([status, body.error.code]).toEqual([500, 'internal_error'])
  expect(JSON.stringify(body)).not.toMatch(/TypeError|\.ts/)
  expect(api.failures).toMatchObject([{ route: '/llm-history' }])
})

it('shows people a page without scripts, and programs a line', async () => {
  const api = await apiOver([])
  const page = await api.get('/', null, { accept: 'text/html,*/*' })
  expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8')
  expect(page.headers.get('content-security-policy')).toBe("default-src 'none'; style-src 'unsafe-inline'")
  expect(await page.text()).toContain('<h1>Sightglass</h1>')
  const line = await api.get('/', null, { accept: '*/*' })
  expect(await line.text()).toMatch(/^Sightglass 1\.2\.3, a transparent proxy/)
})

it('tells people on that page how many calls were estimated, and how to change that', async () => {
  const text = async (api: Awaited<ReturnType<typeof apiOver>>) =>
    await (await api.get('/', null, { accept: 'text/html' })).text()
  expect(await text(await apiOver([aRecord()]))).not.toContain('estimated')
  const guessed = await text(await apiOver([aRecord(), aRecord({ metadata: { token_source: 'estimated' } })]))
  expect(guessed).toContain('The provider reported no tokens for 1 call, so they were estimated')
  expect(guessed).toContain('include_usage: true')
  const broken = { ...storeOf([]), usage: () => Promise.reject(new Error('no store')) }
  const api = await apiOver([], { store: broken })
  expect(await text(api)).toContain('<h1>Sightglass</h1>')
  expect(api.failures).toHaveLength(1)
})

it('answers what is malformed in the shape of every other refusal', async () => {
  const { port } = await apiOver([])
  const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/usage', headers: { host: 'a b' } }, async (response) => {
      resolve({ status: response.statusCode, text: Buffer.concat(await response.toArray()).toString() })
    })
      .on('error', reject)
      .end()
  })
  expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([400, 'malformed_request'])
})
