import { describe, expect, it } from 'vitest'
import { metrics } from '../../src/api/schemas/metrics.ts'
import { readSamples, type Sample, sampleOf } from '../support/prometheus-text.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { adminToken, apiOver, healthy, notAsked, nowMs } from './api-server.ts'

const metricsToken = 'scrape-me-please'

/** Three model calls of two projects and one list of models; what they add up to stands in the tests, worked out by hand. */
const records = [
  aRecord({
    atMs: nowMs - 60_000,
    metadata: { latency_ms: 90, ttft_ms: 40, total_tokens: 17 },
    gapsMs: [4, 30],
  }),
  aRecord({
    atMs: nowMs - 3_599_000,
    metadata: { latency_ms: 700, ttft_ms: 300, token_source: 'estimated', cost_picodollars: null, cost_usd: null },
    gapsMs: [70],
  }),
  aRecord({
    atMs: aMoment,
    metadata: {
      project_id: 'shop "A"\n\\',
      outcome: 'upstream_error_http',
      latency_ms: 40_000,
      ttft_ms: null,
      usage: null,
      prompt_tokens: null,
      completion_tokens: null,
      total_tokens: null,
      cost_picodollars: null,
    },
    gapsMs: [],
  }),
  aRecord({
    atMs: aMoment,
    metadata: {
      operation: 'models',
      model_requested: null,
      latency_ms: 10,
      ttft_ms: null,
      usage: null,
      prompt_tokens: null,
      completion_tokens: null,
      total_tokens: null,
      cost_picodollars: null,
    },
    gapsMs: [],
  }),
]
const acme = { provider: 'openai', model: 'gpt-4o-mini', project: 'acme' }
const shop = { ...acme, project: 'shop "A"\n\\' }

const scrape = async (api: Awaited<ReturnType<typeof apiOver>>): Promise<Sample[]> => {
  const response = await api.get('/metrics')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return readSamples(await response.text())
}

describe('the scrape text', () => {
  it('counts calls, errors, tokens and cost by provider, model and project', async () => {
    const samples = await scrape(await apiOver(records))
    const of = (name: string, labels: Record<string, string>) => sampleOf(samples, `sightglass_${name}`, labels)
    expect([of('calls_total', acme), of('calls_total', shop)]).toEqual([2, 1])
    expect(of('errors_total', { ...shop, outcome: 'upstream_error_http' })).toBe(1)
    expect(of('errors_total', acme)).toBeUndefined()
    expect(of('tokens_total', { ...acme, direction: 'input' })).toBe(24)
    expect(of('tokens_total', { ...acme, direction: 'output' })).toBe(10)
    expect(of('cost_usd_total', acme)).toBe(0.0000048)
    expect([of('unpriced_calls_total', acme), of('unpriced_calls_total', shop)]).toEqual([1, 0])
    expect(of('estimated_calls_total', acme)).toBe(1)
    expect(of('other_calls_total', { provider: 'openai' })).toBe(1)
  })

  it.each([
    ['latency_seconds', acme, { '0.05': 0, '0.1': 1, '0.5': 1, '1': 2, '600': 2, '+Inf': 2 }, 0.79],
    ['latency_seconds', shop, { '30': 0, '60': 1, '+Inf': 1 }, 40],
    ['ttft_seconds', acme, { '0.025': 0, '0.05': 1, '0.25': 1, '0.5': 2, '+Inf': 2 }, 0.34],
    ['ttft_seconds', shop, { '0.025': 0, '60': 0, '+Inf': 0 }, 0],
    ['inter_token_seconds', acme, { '0.0025': 0, '0.005': 1, '0.05': 2, '0.1': 3, '+Inf': 3 }, 0.104],
  ])('has %s of %o in buckets', async (name, labels, buckets, sum) => {
    const samples = await scrape(await apiOver(records))
    for (const [le, count] of Object.entries(buckets))
      expect([le, sampleOf(samples, `sightglass_${name}_bucket`, { ...labels, le })]).toEqual([le, count])
    expect(sampleOf(samples, `sightglass_${name}_sum`, labels)).toBeCloseTo(sum, 9)
    expect(sampleOf(samples, `sightglass_${name}_count`, labels)).toBe(buckets['+Inf'])
  })

  it('tells how the process, the journal and the queue are', async () => {
    const samples = await scrape(await apiOver([]))
    expect(
      Object.fromEntries(
        samples.filter(({ labels }) => Object.keys(labels).length === 0).map((one) => [one.name, one.value]),
      ),
    ).toMatchObject({
      sightglass_active_requests: 3,
      sightglass_records_accepted_total: 7,
      sightglass_records_stored_total: 4,
      sightglass_records_pending: 1,
      sightglass_records_quarantined_total: 1,
      sightglass_records_dropped_total: 1,
      sightglass_unprotected_calls_total: 2,
      sightglass_journal_written_bytes_total: 4096,
      sightglass_recorder_lag_bytes: 64,
      process_resident_memory_bytes: expect.any(Number),
    })
    expect(sampleOf(samples, 'sightglass_service_state', { service: 'journal', state: 'ok' })).toBe(1)
    expect(sampleOf(samples, 'sightglass_service_state', { service: 'journal', state: 'down' })).toBe(0)
    expect(sampleOf(samples, 'sightglass_info', { version: '1.2.3' })).toBe(1)
  })

  it('tells what waits for a sink', async () => {
    const status = async () => ({
      ...healthy,
      sinks: { mongodb: { accepted: 9, stored: 3, pending: 5, quarantined: 1, dropped: 0 } },
    })
    const samples = await scrape(await apiOver([], { status }))
    const of = (state: string) => sampleOf(samples, 'sightglass_sink_records', { sink: 'mongodb', state })
    expect(['accepted', 'stored', 'pending', 'quarantined', 'dropped'].map(of)).toEqual([9, 3, 5, 1, 0])
  })

  it('is made once for all who ask within 5 s, and again after that', async () => {
    let made = 0
    let mono = 0
    const own = {
      ...notAsked,
      scrape: async () => `# TYPE made counter\nmade ${++made}\n`,
    }
    const api = await apiOver([], { own, clock: { wall: () => nowMs, mono: () => mono } })
    const value = async () => sampleOf(readSamples(await (await api.get('/metrics')).text()), 'made')
    expect(await Promise.all([value(), value()])).toEqual([1, 1])
    mono = 4_999
    expect(await value()).toBe(1)
    mono = 5_000
    expect(await value()).toBe(2)
  })

  it('answers 503 while the store does not, and tries again with the next scrape', async () => {
    let broken = true
    const own = {
      ...notAsked,
      scrape: async () => {
        if (broken) throw new Error('no store')
        return ''
      },
    }
    const api = await apiOver([], { own })
    expect((await api.get('/metrics')).status).toBe(503)
    broken = false
    expect((await api.get('/metrics')).status).toBe(200)
  })
})

describe('the sums as JSON', () => {
  it.each([
    ['?format=json', {}],
    ['', { accept: 'application/json' }],
  ])('equal what the records add up to (%s %o)', async (query, headers) => {
    const api = await apiOver(records)
    const body: unknown = await (await api.get(`/metrics${query}`, adminToken, headers)).json()
    expect(metrics.parse(body)).toEqual(body)
    expect(body).toEqual({
      timestamp: new Date(nowMs).toISOString(),
      requests_total: 4,
      requests_last_hour: 2,
      avg_latency_ms: (90 + 700 + 40_000 + 10) / 4,
      error_rate: 0.25,
      token_usage_total: 34,
      llm_runs_total: 3,
      database_status: 'connected',
    })
  })

  it('say when the database that the settings name is away', async () => {
    const away = { state: 'down', message: 'takes nothing' } as const
    const status = async () => ({ ...healthy, services: { ...healthy.services, mongodb: away } })
    const { body } = await (await apiOver(records, { status })).ask('/metrics?format=json')
    expect(body).toMatchObject({ requests_total: 4, database_status: 'fallback' })
  })

  it('say null for the mean and the share of nothing', async () => {
    const { body } = await (await apiOver([])).ask('/metrics?format=json')
    expect(body).toMatchObject({ requests_total: 0, avg_latency_ms: null, error_rate: null, token_usage_total: 0 })
  })

  it('are kept for 60 s', async () => {
    let wall = nowMs
    let mono = 0
    const api = await apiOver(records, { clock: { wall: () => wall, mono: () => mono } })
    const lastHour = async () => (await api.ask('/metrics?format=json')).body.requests_last_hour
    expect(await lastHour()).toBe(2)
    wall += 59_000
    mono += 59_999
    expect(await lastHour()).toBe(2)
    mono += 1
    expect(await lastHour()).toBe(1)
  })

  it.each([
    'text/plain;version=0.0.4;q=0.5,application/json;q=0.1',
    'application/openmetrics-text;version=1.0.0,application/json;q=0.2,*/*;q=0.1',
    '*/*',
  ])('are not what a scraper gets that accepts %s', async (accept) => {
    const response = await (await apiOver([])).get('/metrics', adminToken, { accept })
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  })
})

describe('who may scrape', () => {
  it('is the admin and the holder of the metrics token, who sees nothing else', async () => {
    const api = await apiOver(records, { metricsToken })
    for (const token of [adminToken, metricsToken]) expect((await api.get('/metrics', token)).status).toBe(200)
    const { body } = await api.ask('/usage', metricsToken)
    expect(body.totals.requests).toBe(0)
    expect((await api.get('/db-status', metricsToken)).status).not.toBe(200)
  })

  it.each([[null], ['sk-1'], [`${metricsToken}x`], ['']])('is nobody with %s', async (token) => {
    const api = await apiOver(records, { metricsToken })
    const response = await api.get('/metrics', token)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="sightglass"')
  })

  it('is nobody by a token in the URL, or by the word null', async () => {
    const api = await apiOver(records, { metricsToken })
    expect((await api.get(`/metrics?key=${metricsToken}`, null)).status).toBe(401)
    expect((await (await apiOver(records)).get('/metrics', 'null')).status).toBe(401)
  })
})
