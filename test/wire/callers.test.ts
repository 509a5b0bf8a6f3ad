import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { type RawAnswer, rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const completion = {
  id: 'c',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
}
const ask = (path: string, headers: [string, string][], model = 'gpt-4o-mini'): Buffer =>
  requestBytes(
    'POST',
    path,
    [['content-type', 'application/json'], ...headers],
    JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  )

const identity: [string, string][] = [
  ['X-Project-Id', 'Shop'],
  ['x-experiment-id', 'exp-1'],
  ['x-environment', 'staging'],
  ['x-user-id', 'ada'],
]

it.each([
  ['x-organisation-id', 'x-session-id'],
  ['x-organization-id', 'x-thread-id'],
])(
  'takes who is calling from %s, %s and their like, and keeps what is ours from the upstream (C19)',
  async (organisation, session) => {
    await using upstream = await scriptedUpstream(() => json(completion))
    await using proxy = await startProxy({
      upstreams: { openai: upstream.port, ollama: upstream.port, openrouter: upstream.port },
    })
    const own = [...identity, [organisation, 'org-1'], [session, 's-1']] as [string, string][]
    /** Only vendors that read a header of this meaning get it, by their declaration. */
    const passed: [string, string[]][] = [
      ['/v1/chat/completions', []],
      ['/openrouter/v1/chat/completions', session === 'x-session-id' ? [session] : []],
      ['/ollama/v1/chat/completions', ['x-user-id', session]],
    ]
    for (const [place, [path, kept]] of passed.entries()) {
      const all = await rawExchange(proxy.port, ask(path, [...own, ['x-provider', 'openai'], ['x-mine', 'goes on']]))
      const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
      expect(telemetry.metadata).toMatchObject({
        project_id: 'shop',
        client_id: 'shop',
        organisation_id: 'org-1',
        experiment_id: 'exp-1',
        environment: 'staging',
        user_id: 'ada',
        soeid: 'ada',
        session_id: 's-1',
        notes: [],
      })
      expect(run).toMatchObject({ project_id: 'shop', soeid: 'ada' })
      const headers = { authorization: `Bearer ${proxy.adminToken}` }
      const found = await fetch(`${proxy.url}/llm-history?project=Shop&soeid=ada&session=s-1&limit=1`, { headers })
      expect(await found.json()).toMatchObject({ total: place + 1, items: [{ request_id: telemetry._id }] })
      const names = upstream.requests[place]!.headers.map(([name]) => name.toLowerCase())
      expect(names).toContain('x-mine')
      expect(
        [...own, ['x-provider']].map(([name]) => name!.toLowerCase()).filter((name) => names.includes(name)),
      ).toEqual(kept)
    }
  },
)

it.each([
  ['no header', [], 'default', /^$/],
  ['an empty header', [['x-project-id', '']], 'default', /^$/],
  ['what is no slug', [['x-project-id', 'a b/c']], 'default', /no slug/],
  ['the project of its path before the header', [['x-project-id', 'other']], 'by-path', /^$/],
] as const)('records a call with %s, and forwards it no differently', async (name, headers, project, note) => {
  await using upstream = await scriptedUpstream(() => json(completion))
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const path = name.includes('path') ? '/p/by-path/v1/chat/completions' : '/v1/chat/completions'
  const all = await rawExchange(
    proxy.port,
    ask(
      path,
      headers.map(([key, value]) => [key, value]),
    ),
  )
  expect(all).toMatchObject({ status: 200, json: completion })
  expect(upstream.requests[0]!.target).toBe('/v1/chat/completions')
  const { metadata } = (await proxy.record(all.header('x-sightglass-id'))).telemetry
  expect(metadata.project_id).toBe(project)
  expect(metadata.notes.join('')).toMatch(note)
})

it('names a key and gives it its project, by its fingerprint in the settings', async () => {
  const key = 'sk-named-0123456789'
  await using upstream = await scriptedUpstream(() => json(completion))
  const upstreams = { openai: upstream.port }
  const call = async (proxy: TestProxy, headers: [string, string][] = []) => {
    const all = await rawExchange(
      proxy.port,
      ask('/v1/chat/completions', [['authorization', `Bearer ${key}`], ...headers]),
    )
    return (await proxy.record(all.header('x-sightglass-id'))).telemetry.metadata
  }
  await using first = await startProxy({ upstreams })
  const { key_id: id } = await call(first)
  await using proxy = await startProxy({ upstreams, keys: { [id!]: { name: 'Laptop', project: 'home' } } })
  expect(await call(proxy)).toMatchObject({ key_id: id, key_name: 'Laptop', project_id: 'home' })
  expect(await call(proxy, [['x-project-id', '']])).toMatchObject({ project_id: 'home' })
  expect(await call(proxy, [['x-project-id', 'work']])).toMatchObject({ key_id: id, project_id: 'work' })
})

it('answers for a key what was called with it, to it and to the admin, as the records say (C20)', async () => {
  await using upstream = await scriptedUpstream((request) => {
    if (request.method === 'GET') return json({ object: 'list', data: [] })
    const { model } = request.json as { model: string }
    if (model === 'broken') return json({ error: { message: 'no', type: 'server_error' } }, 500)
    return json({ ...completion, model })
  })
  await using proxy = await startProxy({ upstreams: { openai: upstream.port, anthropic: upstream.port } })
  const [ada, bob] = ['sk-ada-0123456789abcdef', 'sk-bob-0123456789abcdef']
  const calls: [string, string][] = [
    [ada, 'gpt-4o-mini'],
    [ada, 'gpt-4o-mini'],
    [ada, 'gpt-4o'],
    [ada, 'broken'],
    [bob, 'gpt-4o'],
  ]
  const answers: RawAnswer[] = []
  for (const [key, model] of calls)
    answers.push(
      await rawExchange(proxy.port, ask('/v1/chat/completions', [['authorization', `Bearer ${key}`]], model)),
    )
  // a list of models is no model call, and the same key in another vendor's header is the same key
  await rawExchange(proxy.port, requestBytes('GET', '/v1/models', [['x-api-key', ada]]))
  const records = await proxy.records()
  expect(records).toHaveLength(6)
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 500, 200])

  const get = async (path: string, key: string) => {
    const answer = await fetch(proxy.url + path, { headers: { authorization: `Bearer ${key}` } })
    return { status: answer.status, body: (await answer.json()) as Usage }
  }
  const own = records
    .map(({ telemetry }) => telemetry)
    .filter(
      ({ metadata }) => metadata.key_id === records[0]!.telemetry.metadata.key_id && metadata.operation === 'chat',
    )
  const today = new Date(own[0]!.timestamp_ms).toISOString().slice(0, 10)
  const { body: mine } = await get('/usage/self?group_by=day,model', ada)
  expect(mine.totals).toMatchObject({
    requests: 4,
    errors: 1,
    input_tokens: 27,
    output_tokens: 3,
    // two calls of gpt-4o-mini: 9 × 0.15 + 1 × 0.60, one of gpt-4o: 9 × 2.50 + 1 × 10 dollars for a million
    cost_picodollars: '36400000',
  })
  expect(mine.totals.cost_picodollars).toBe(
    String(own.reduce((sum, { metadata }) => sum + BigInt(metadata.cost_picodollars ?? 0), 0n)),
  )
  const latencies = own.map(({ metadata }) => metadata.latency_ms).sort((one, other) => one - other)
  const mean = latencies.reduce((sum, value) => sum + value, 0) / latencies.length
  expect(mine.totals.latency_ms.mean).toBeCloseTo(mean, 2)
  expect(Math.abs(mine.totals.latency_ms.p95 / latencies.at(-1)! - 1)).toBeLessThan(0.02)
  expect(mine.groups.map(({ group, requests }): ModelCount => [group, requests]).sort(byModel)).toEqual([
    [{ day: today, model: 'broken' }, 1],
    [{ day: today, model: 'gpt-4o' }, 1],
    [{ day: today, model: 'gpt-4o-mini' }, 2],
  ])
  expect((await get('/usage/self?from=1h', ada)).body.totals.requests).toBe(4)
  expect((await get('/usage/self?to=2020-01-01', ada)).body.totals.requests).toBe(0)

  const { id } = mine.key
  expect((await get(`/usage/keys/${id}`, ada)).body.totals).toEqual(mine.totals)
  expect((await get(`/usage/keys/${id}`, proxy.adminToken)).body.totals).toEqual(mine.totals)
  expect((await get(`/usage/keys/${id}`, bob)).status).toBe(404)
  expect((await get(`/usage?key=${id}`, bob)).status).toBe(403)
  expect((await get('/usage', bob)).body.totals.requests).toBe(1)
  expect((await get('/usage/self', bob)).body.totals.requests).toBe(1)
  expect((await get('/usage', proxy.adminToken)).body.totals.requests).toBe(5)
  const byKey = (await get('/usage?group_by=key&operation=all', proxy.adminToken)).body.groups
  expect(byKey.map(({ requests }) => requests).sort()).toEqual([1, 5])
  expect((await fetch(`${proxy.url}/usage/self`)).status).toBe(401)
})

interface Usage {
  key: { id: string }
  totals: { requests: number; cost_picodollars: string; latency_ms: { mean: number; p95: number } }
  groups: { group: Record<string, string>; requests: number }[]
}

type ModelCount = readonly [group: Record<string, string>, requests: number]

const byModel = ([one]: ModelCount, [other]: ModelCount): number => (one.model! < other.model! ? -1 : 1)
