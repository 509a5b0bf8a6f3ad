import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { readSamples, sampleOf } from '../support/prometheus-text.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const metricsToken = 'scrape-me-please'
const completion = {
  id: 'c',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
}

it('lets a scraper follow the calls, over a restart too, and tells it no key (G6, D10)', async () => {
  await using upstream = await scriptedUpstream((request) =>
    request.headers.some(([name]) => name.toLowerCase() === 'x-fail')
      ? json({ error: { message: 'no', type: 'server_error' } }, 500)
      : json(completion),
  )
  await using folder = await aFolder()
  const settings = { upstreams: { openai: upstream.port }, metricsToken, dataDir: folder.path }
  const call = async (proxy: TestProxy, headers: Record<string, string>) => {
    const answer = await fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-never-shown', 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] }),
    })
    await answer.arrayBuffer()
    await proxy.record(answer.headers.get('x-sightglass-id')!)
  }
  await using before = await startProxy(settings)
  await call(before, { 'x-project-id': 'shop' })
  await call(before, { 'x-project-id': 'shop' })
  await before.stop()
  await using proxy = await startProxy(settings)
  await call(proxy, { 'x-project-id': 'shop', 'x-fail': 'yes' })

  const answer = await fetch(`${proxy.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
  const text = await answer.text()
  expect(text).not.toContain('sk-never-shown')
  const samples = readSamples(text)
  const labels = { provider: 'openai', model: 'gpt-4o-mini', project: 'shop' }
  expect(sampleOf(samples, 'sightglass_calls_total', labels)).toBe(3)
  expect(sampleOf(samples, 'sightglass_errors_total', { ...labels, outcome: 'upstream_error_http' })).toBe(1)
  expect(sampleOf(samples, 'sightglass_tokens_total', { ...labels, direction: 'output' })).toBe(2)
  expect(sampleOf(samples, 'sightglass_latency_seconds_count', labels)).toBe(3)
  expect(sampleOf(samples, 'sightglass_records_accepted_total')).toBe(1)
  expect(sampleOf(samples, 'sightglass_recorder_lag_bytes')).toBe(0)
  expect(sampleOf(samples, 'sightglass_journal_written_bytes_total')).toBeGreaterThan(0)

  const sums = await fetch(`${proxy.url}/metrics?format=json`, { headers: { authorization: `Bearer ${metricsToken}` } })
  expect(await sums.json()).toMatchObject({
    requests_total: 3,
    requests_last_hour: 3,
    error_rate: 1 / 3,
    token_usage_total: 20,
    llm_runs_total: 3,
    database_status: 'connected',
  })
  expect((await fetch(`${proxy.url}/metrics`)).status).toBe(401)
})

async function aFolder() {
  const path = await mkdtemp(join(tmpdir(), 'sightglass-metrics-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
