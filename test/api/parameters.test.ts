import { expect, it } from 'vitest'
import { aRecord } from '../support/records.ts'
import { apiOver, idOf } from './api-server.ts'

const key = idOf('sk-1')
const record = aRecord()
const records = [record]
const run = `/llm-history/${record.telemetry._id}`

it.each([
  ['/usage?limit=0', 'limit', 'limit=0: wants a whole number from 1 to 10000'],
  ['/usage?limit=1e3', 'limit', 'limit=1e3: wants a whole number from 1 to 10000'],
  ['/usage?limit=-1', 'limit', 'limit=-1: wants'],
  ['/usage?limit=', 'limit', 'limit: is empty'],
  ['/llm-history?limit=201', 'limit', 'limit=201: wants a whole number from 1 to 200'],
  ['/llm-history?skip=10001', 'skip', 'skip=10001: wants a whole number from 0 to 10000'],
  ['/llm-history?skip=1&cursor=x', 'skip', 'skip=1: goes not with cursor'],
  ['/llm-history?status_code=teapot', 'status_code', 'status_code=teapot: wants'],
  [
    '/llm-history?latency_min_ms=2&latency_max_ms=1',
    'latency_min_ms',
    'latency_min_ms=2: is more than latency_max_ms=1',
  ],
  ['/llm-history?tokens_min=2&tokens_max=1', 'tokens_min', 'tokens_min=2: is more than tokens_max=1'],
  ['/llm-history?operation=chats', 'operation', 'operation=chats: wants one of model, all, chat,'],
  ['/llm-history?user=a&soeid=b', 'soeid', 'soeid=b: contradicts user=a'],
  ['/llm-history?status=ok&outcome=empty', 'status', 'status=ok: contradicts outcome=empty'],
  ['/llm-history?cursor=garbage', 'cursor', 'cursor=garbage'],
  ['/usage?status=error', 'status', 'status=error: wants one of ok,'],
  ['/usage?group_by=colour', 'group_by', 'group_by=colour: wants different ones of project, key,'],
  ['/usage?group_by=day,day', 'group_by', 'group_by=day,day: wants different ones'],
  ['/usage?group_by=day,', 'group_by', 'group_by=day,: wants different ones'],
  ['/usage?tz=Mars/Olympus', 'tz', 'tz=Mars/Olympus: wants a time zone'],
  ['/usage?from=yesterday', 'from', 'from=yesterday: wants a date (2026-11-20)'],
  ['/usage?from=2026-02-30', 'from', 'from=2026-02-30: wants'],
  ['/usage?from=1763719200', 'from', 'from=1763719200: wants'],
  ['/usage?from=2026-11-20&to=2026-11-20', 'from', 'from=2026-11-20: is not before to=2026-11-20'],
  ['/usage?from=1h&to=2h', 'from', 'from=1h: is not before to=2h'],
  ['/usage?model=%00', 'model', 'model=\0: wants 1 to 200 characters of plain text'],
  [`/usage?model=${'m'.repeat(201)}`, 'model', `model=${'m'.repeat(80)}…: wants`],
  [`${run}?raw=both`, 'raw', 'raw=both: wants request or response'],
  [`/usage/keys/${key}?limit=x`, 'limit', 'limit=x: wants'],
])('refuses %s, naming the parameter and the value', async (path, param, message) => {
  const { status, body } = await (await apiOver(records)).ask(path)
  expect(status).toBe(422)
  expect(body.error).toMatchObject({ type: 'invalid_request_error', code: 'invalid_parameter', param })
  expect(body.error.message.slice(0, message.length)).toBe(message)
})

it.each([
  ['/usage?projct=a', 'projct', 'did you mean project?'],
  ['/usage?Limit=5', 'Limit', 'did you mean limit?'],
  ['/usage?groupby=day', 'groupby', 'did you mean group_by?'],
  ['/usage?zzz=1', 'zzz', 'known are project, key,'],
  ['/usage?project[$ne]=x', 'project[$ne]', 'known are'],
  ['/usage?project.$gt=', 'project.$gt', 'known are'],
  ['/llm-history?__proto__=x', '__proto__', 'known are'],
  ['/llm-history?constructor=x', 'constructor', 'known are'],
  ['/info?verbose=1', 'verbose', 'there are none'],
  [`/usage/keys/${key}?key=${key}`, 'key', 'no parameter here'],
])('knows no parameter of %s', async (path, param, hint) => {
  const { status, body } = await (await apiOver([])).ask(path)
  expect([status, body.error.code, body.error.param]).toEqual([422, 'unknown_parameter', param])
  expect(body.error.message).toContain(hint)
})

it.each([
  ['/usage?project=a&project=b', 'project'],
  ['/llm-history?limit=1&limit=1', 'limit'],
])('refuses %s, a value given twice', async (path, param) => {
  const { status, body } = await (await apiOver([])).ask(path)
  expect([status, body.error.param]).toEqual([422, param])
  expect(body.error.message).toBe(`${param}: is given twice; it takes one value`)
})

it('repeats no key that was put where an id belongs', async () => {
  const api = await apiOver([])
  for (const path of [
    '/usage?key=sk-secret',
    '/llm-history?key=sk-secret',
    '/usage?api_key=sk-secret',
    '/usage?key=a&key=sk-secret',
  ]) {
    const response = await api.get(path)
    expect(response.status).toBe(422)
    expect(await response.text()).not.toContain('sk-secret')
  }
})

it.each(['{"$gt":""}', '$where', "x' or 1=1 --", '%', '_', '.*', '\u202e', '__proto__'])(
  'takes the filter value %s literally',
  async (value) => {
    const odd = aRecord({ metadata: { project_id: value, user_id: value, provider: value, llm_model: value } })
    const api = await apiOver([record, odd])
    for (const name of ['project', 'user', 'provider', 'model']) {
      const { status, body } = await api.ask(`/usage?${new URLSearchParams({ [name]: value })}`)
      expect([status, body.totals.requests]).toEqual([200, 1])
    }
  },
)
