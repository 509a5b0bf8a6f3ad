import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'

/** A copy of this program, to which the README's own example of a provider is added: a folder, and nothing else. */
const root = join(import.meta.dirname, '..', '..')
let copy: string

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'sightglass-copy-'))
  for (const name of ['src', 'providers'])
    cpSync(join(root, name), join(copy, name), {
      recursive: true,
      filter: (source) => !source.includes(`${sep}samples`),
    })
  cpSync(join(root, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [, provider] = /```ts\n\/\/ providers\/acme\/provider\.ts\n([\s\S]*?)```/.exec(readme)!
  mkdirSync(join(copy, 'providers', 'acme'))
  writeFileSync(join(copy, 'providers', 'acme', 'provider.ts'), provider!)
  const prices = {
    schema: '1',
    as_of: '2026-11-01',
    models: [{ provider: 'acme', model: 'anvil-1', mode: 'chat', input: 2, output: 3 }],
  }
  writeFileSync(join(copy, 'providers', 'acme', 'prices.json'), JSON.stringify(prices))
})

afterAll(() => rm(copy, { recursive: true, force: true }))

it('knows a provider by its folder alone: by path, by header, as the default, in settings, metered and priced (C25)', async () => {
  await using upstream = await scriptedUpstream(() =>
    json({
      model: 'anvil-1',
      choices: [{ index: 0, message: { role: 'assistant', content: 'dropped' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
    }),
  )
  await using proxy = await spawnProxy({
    cwd: copy,
    upstreams: { acme: upstream.port, 'acme-b': upstream.port },
    env: { DEFAULT_PROVIDER: 'acme' },
  })
  const calls: [string, [string, string][]][] = [
    ['/acme/v1/chat/completions', []],
    ['/v1/chat/completions', [['x-provider', 'acme']]],
    ['/acme-b/v1/chat/completions', []],
    ['/v1/chat/completions', []],
  ]
  for (const [path, headers] of calls) {
    const all = await rawExchange(proxy.port, requestBytes('POST', path, headers, '{"model":"anvil-1","messages":[]}'))
    expect(all.status).toBe(200)
  }
  expect(upstream.requests.map(({ target }) => target)).toEqual(Array(4).fill('/v1/chat/completions'))
  const list = async () => {
    const headers = { authorization: `Bearer ${proxy.adminToken}` }
    const answer = await fetch(`${proxy.url}/llm-history?provider=acme`, { headers })
    return ((await answer.json()) as { items: object[] }).items
  }
  await expect.poll(list, { timeout: 10_000, interval: 50 }).toHaveLength(4)
  // 100 × 2 + 10 × 3 dollars for a million
  for (const line of await list())
    expect(line).toMatchObject({ operation: 'chat', completion: 'dropped', prompt_tokens: 100, cost_usd: 0.00023 })
}, 40_000)
