import { expect, it } from 'vitest'
import { unpricedAnswer, usageAnswer } from '../../src/api/schemas/usage.ts'
import { Unanswerable } from '../../src/stores/store.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { apiOver, idOf, storeOf } from './api-server.ts'

const hour = 3_600_000
const ada = idOf('sk-ada')
const bob = idOf('sk-bob')

const records = [
  aRecord({ atMs: aMoment - 24 * hour, metadata: { key_id: ada } }),
  aRecord({
    atMs: aMoment - hour,
    metadata: { key_id: ada, outcome: 'upstream_error_http', model_requested: 'gpt-4o' },
  }),
  aRecord({ atMs: aMoment, metadata: { key_id: ada, project_id: 'globex' } }),
  aRecord({
    atMs: aMoment,
    metadata: { key_id: bob, provider: 'ollama', user_id: 'bob', cost_picodollars: '9007199254740993' },
  }),
  aRecord({ atMs: aMoment, metadata: { key_id: ada, operation: 'models' } }),
]

it('adds up all model calls for the admin, money exact', async () => {
  const { body } = await (await apiOver(records)).ask('/usage')
  expect(body).toMatchObject({ groups: [], truncated: false })
  expect(body.totals).toMatchObject({ requests: 4, errors: 1, input_tokens: 48, output_tokens: 20, total_tokens: 68 })
  expect(body.totals.cost_picodollars).toBe(String(9007199254740993n + 3n * 4_800_000n))
  expect(usageAnswer.parse(body)).toEqual(body)
})

it('says how many calls were estimated or have no price, and how to change that', async () => {
  expect((await (await apiOver(records)).ask('/usage')).body.hints).toEqual([])
  const odd = [
    aRecord({ metadata: { token_source: 'estimated' } }),
    aRecord({ metadata: { token_source: 'estimated' } }),
    aRecord({ metadata: { cost_picodollars: null, cost_usd: null, unpriced_reason: 'no price for openai/x' } }),
  ]
  const { hints } = (await (await apiOver(odd)).ask('/usage')).body
  expect(hints).toEqual([
    expect.stringMatching(/^the tokens of 2 calls are estimated.*include_usage: true/),
    expect.stringMatching(/^the cost leaves out 1 call .*config\/prices\.yaml/),
  ])
})

it.each([
  ['project', [{ project: 'acme' }, { project: 'globex' }]],
  ['key', [{ key: ada }, { key: bob }]],
  [
    'user,provider',
    [
      { user: 'ada', provider: 'openai' },
      { user: 'bob', provider: 'ollama' },
    ],
  ],
  [
    'model, outcome',
    [
      { model: 'gpt-4o-mini', outcome: 'ok' },
      { model: 'gpt-4o', outcome: 'upstream_error_http' },
    ],
  ],
  ['day', [{ day: '2026-11-19' }, { day: '2026-11-20' }]],
])('groups by %s', async (names, groups) => {
  const { body } = await (await apiOver(records)).ask(`/usage?group_by=${encodeURIComponent(names)}`)
  expect(body.groups.map(({ group }: { group: object }) => group)).toEqual(groups)
})

it('groups by the hours and days of the zone that is asked for', async () => {
  const { body } = await (await apiOver(records)).ask('/usage?group_by=hour&tz=Asia/Tokyo')
  expect(body.groups[0].group).toEqual({ hour: '2026-11-19T19:00+09:00' })
})

it.each(['%2B09:00', 'utc', 'EST5EDT', 'Asia/Kolkata', 'America/St_Johns', 'Etc/GMT-14'])(
  'groups by the days of %s',
  async (zone) => {
    const { status, body } = await (await apiOver(records)).ask(`/usage?group_by=day&tz=${zone}&from=2026-11-19`)
    expect(status).toBe(200)
    expect(body.groups.reduce((sum: number, { requests }: { requests: number }) => sum + requests, 0)).toBe(4)
  },
)

it.each([
  ['project=globex', 1],
  [`key=${bob}`, 1],
  ['user=ada', 3],
  ['model=gpt-4o', 1],
  ['provider=ollama', 1],
  ['outcome=upstream_error_http', 1],
  ['status=upstream_error_http', 1],
  ['status=ok&outcome=ok', 3],
  ['operation=all', 5],
  ['operation=model', 4],
  ['from=2026-11-20', 3],
  ['to=2026-11-20', 1],
  ['from=2026-11-20T10:15:30Z', 2],
  ['to=2026-11-20T10:15:30Z', 2],
  ['from=2026-11-20T11:15:30%2B01:00', 2],
  ['from=2026-11-20T11:15:30+01:00', 2],
  ['from=2026-11-20T11:15:30&tz=Europe/Berlin', 2],
  ['from=2026-11-19&to=2026-11-20', 1],
  [`from=${aMoment}`, 2],
  ['from=3h', 3],
  ['from=2d&to=now', 4],
])('counts the calls of %s', async (query, requests) => {
  const { status, body } = await (await apiOver(records)).ask(`/usage?${query}`)
  expect([status, body.totals?.requests]).toEqual([200, requests])
})

it('says when there are more groups than the limit', async () => {
  const { body } = await (await apiOver(records)).ask('/usage?group_by=key&limit=1')
  expect(body.groups).toHaveLength(1)
  expect(body.truncated).toBe(true)
  expect(body.totals.requests).toBe(4)
})

it('shows a key its own calls and nothing else', async () => {
  const api = await apiOver(records, {
    settings: {
      keys: { [bob]: { name: "Bob's laptop", project: 'acme' } },
      bodyLimitBytes: 1,
      journalBodyLimitBytes: 1,
      captureRequest: 'full',
      captureResponse: 'full',
      deploymentEnvironment: 'development',
    },
  })
  const own = await api.ask('/usage/self?group_by=model', 'sk-bob')
  expect(own.body.key).toEqual({ id: bob, name: "Bob's laptop", project: 'acme' })
  expect(own.body.totals.requests).toBe(1)
  expect((await api.ask('/usage/self', 'sk-ada')).body.totals.requests).toBe(3)
  expect((await api.ask('/usage/self?project=globex', 'sk-ada')).body.totals.requests).toBe(1)
  expect((await api.ask('/usage?group_by=key', 'sk-ada')).body.groups).toMatchObject([
    { group: { key: ada }, requests: 3 },
  ])
  expect((await api.ask('/usage/self', 'sk-unseen')).body.totals.requests).toBe(0)
})

it('takes the key from a URL, where it is then no filter', async () => {
  const { status, body } = await (await apiOver(records)).ask('/usage/self?key=sk-bob', null)
  expect([status, body.key?.id, body.totals?.requests]).toEqual([200, bob, 1])
})

it('answers for one key to the admin and to that key, and knows none for others', async () => {
  const api = await apiOver(records)
  expect((await api.ask(`/usage/keys/${bob}`)).body.totals.requests).toBe(1)
  expect((await api.ask(`/usage/keys/${bob}`, 'sk-bob')).body.totals.requests).toBe(1)
  expect((await api.ask(`/usage/keys/${bob}`, 'sk-ada')).status).toBe(404)
  expect((await api.ask('/usage/keys/sk-bob')).status).toBe(404)
  expect((await api.ask('/usage/keys/sk-bob', 'sk-bob')).status).toBe(404)
})

it('tells which calls have no price and why, to the admin of all, to a key of its own', async () => {
  const without = (key: string, model: string) =>
    aRecord({
      atMs: aMoment,
      metadata: {
        ...{ key_id: key, model_requested: model, cost_picodollars: null, cost_usd: null },
        unpriced_reason: `no price for openai/${model}`,
      },
    })
  const api = await apiOver([...records, without(ada, 'mystery'), without(ada, 'mystery'), without(bob, 'riddle')])
  const { body } = await api.ask('/usage/unpriced')
  expect(unpricedAnswer.parse(body)).toEqual(body)
  expect(body).toMatchObject({
    calls: 3,
    models: [
      { provider: 'openai', model: 'mystery', calls: 2, reason: 'no price for openai/mystery' },
      { provider: 'openai', model: 'riddle', calls: 1, reason: 'no price for openai/riddle' },
    ],
  })
  expect((await api.ask('/usage/unpriced', 'sk-bob')).body.models).toMatchObject([{ model: 'riddle', calls: 1 }])
  expect((await api.ask(`/usage/unpriced?key=${ada}`, 'sk-bob')).status).toBe(403)
  expect((await api.ask('/usage/unpriced?to=2026-11-20')).body).toEqual({ calls: 0, models: [], truncated: false })
  expect((await api.ask('/usage/unpriced', null)).status).toBe(401)
  const { _id } = (await api.ask(`/llm-history/${body.models[0].call}`)).body.telemetry
  expect(_id).toBe(body.models[0].call)
})

it('has no usage of the admin token itself', async () => {
  const { status, body } = await (await apiOver(records)).ask('/usage/self')
  expect([status, body.error.code]).toEqual([400, 'no_own_usage'])
})

it('passes on what the store cannot answer as a 422 that names the parameter', async () => {
  const usage = async () => {
    throw new Unanswerable('group_by', 'group_by=key,user: no rollup holds key and user together')
  }
  const store = { ...storeOf(records), usage }
  const { status, body } = await (await apiOver(records, { store })).ask('/usage?group_by=key,user')
  expect(status).toBe(422)
  expect(body.error).toEqual({
    message: 'group_by=key,user: no rollup holds key and user together',
    type: 'invalid_request_error',
    code: 'invalid_parameter',
    param: 'group_by',
  })
})
