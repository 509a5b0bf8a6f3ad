import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightglass-prices-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function listOf(model: string, input: number, output: number): Promise<string> {
  const path = join(folder, `${model}-${input}.json`)
  const models = [{ provider: 'openai', model, mode: 'chat', input, output }]
  await writeFile(path, JSON.stringify({ schema: '1', as_of: '2026-11-01', models }))
  return path
}

it('bills by a price list of the operator, before the built-in one, from the next start on (C10)', async () => {
  await using upstream = await scriptedUpstream((request) =>
    json({
      model: (request.json as { model: string }).model,
      choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 },
    }),
  )
  const costOf = async (proxy: TestProxy, model: string) => {
    const all = await rawExchange(
      proxy.port,
      requestBytes('POST', '/v1/chat/completions', [], JSON.stringify({ model, messages: [] })),
    )
    const { cost_usd, price_version } = (await proxy.record(all.header('x-sightglass-id'))).telemetry.metadata
    return { cost_usd, price_version }
  }
  const upstreams = { openai: upstream.port }
  const versions = new Set<string | null>()
  for (const [model, input, output, costUsd] of [
    ['gpt-4o-mini', 1, 2, 0.0012],
    ['gpt-4o-mini', 3, 4, 0.0034],
    ['our-own-model', 5, 6, 0.0056],
  ] as const) {
    await using proxy = await startProxy({ upstreams, pricesFile: await listOf(model, input, output) })
    const { cost_usd, price_version } = await costOf(proxy, model)
    expect(cost_usd).toBe(costUsd)
    versions.add(price_version)
    expect((await costOf(proxy, 'gpt-4o')).cost_usd).toBe(0.0035)
  }
  expect(versions.size).toBe(3)
  await using usual = await startProxy({ upstreams })
  expect((await costOf(usual, 'gpt-4o-mini')).cost_usd).toBe(0.00021)
  expect((await costOf(usual, 'our-own-model')).cost_usd).toBeNull()
}, 30_000)

it('bills by config/prices.yaml where it is there, also the dated name that the vendor answers with, and deployments', async () => {
  const cwd = join(folder, 'place')
  await mkdir(join(cwd, 'config'), { recursive: true })
  await writeFile(
    join(cwd, 'config', 'prices.yaml'),
    'as_of: 2026-11-01\nmodels:\n  - { provider: openai, model: gpt-4o, input: 1.50, output: 2 }\n' +
      'names:\n  - { provider: openai, name: our-chat, model: gpt-4o }\n',
  )
  await using upstream = await scriptedUpstream((request) =>
    json({
      model: (request.json as { model: string }).model,
      choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 },
    }),
  )
  const entry = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
  await using proxy = await spawnProxy({ cwd, entry, upstreams: { openai: upstream.port } })
  const models = ['gpt-4o', 'gpt-4o-2024-08-06', 'our-chat', 'gpt-4o-mini', 'nobody-knows']
  for (const model of models) {
    const body = JSON.stringify({ model, messages: [] })
    await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', [], body))
  }
  const list = async () => {
    const headers = { authorization: `Bearer ${proxy.adminToken}` }
    const all = await fetch(`${proxy.url}/llm-history?limit=10`, { headers })
    const { items } = (await all.json()) as { items: { model: string; cost_usd: number | null }[] }
    return Object.fromEntries(items.map(({ model, cost_usd }) => [model, cost_usd]))
  }
  await expect.poll(list, { timeout: 10_000, interval: 50 }).toEqual({
    'gpt-4o': 0.0017,
    'gpt-4o-2024-08-06': 0.0017,
    'our-chat': 0.0017,
    'gpt-4o-mini': 0.00021,
    'nobody-knows': null,
  })
}, 30_000)

it('refuses to start with what is no price list, by name', async () => {
  const path = join(folder, 'broken.json')
  await writeFile(path, '{"schema": "1", "models": [{"provider": "openai"}]}')
  await expect(spawnProxy({ env: { PRICES_FILE: path } })).rejects.toThrow(`${path}: a price without provider or model`)
})
