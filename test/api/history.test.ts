import { expect, it } from 'vitest'
import { runDetail, runList } from '../../src/api/schemas/run.ts'
import { newId } from '../../src/lib/id.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { apiOver, idOf, type Json } from './api-server.ts'

const ada = idOf('sk-ada')
const bob = idOf('sk-bob')
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const records = [
  aRecord({ atMs: aMoment, metadata: { key_id: ada, session_id: 's-1', latency_ms: 900 } }),
  aRecord({ atMs: aMoment + 1_000, metadata: { key_id: ada, project_id: 'globex', total_tokens: 5_000 } }),
  aRecord({
    atMs: aMoment + 2_000,
    metadata: { key_id: bob, user_id: 'bob', soeid: 'bob', outcome: 'upstream_error_http', status_code: 429 },
  }),
  aRecord({
    atMs: aMoment + 3_000,
    metadata: { key_id: bob, operation: 'embeddings' },
    run: { prompt: '100% of a.b*' },
  }),
  aRecord({ atMs: aMoment + 4_000, metadata: { key_id: bob, operation: 'models' } }),
]
const ids = records.map(({ telemetry }) => telemetry._id)
const placesIn = (body: Json): number[] => body.items.map(({ _id }: { _id: string }) => ids.indexOf(_id))

it('lists calls of models newest first, under both names of the list', async () => {
  const { body } = await (await apiOver(records)).ask('/llm-history')
  expect(placesIn(body)).toEqual([3, 2, 1, 0])
  expect(body).toMatchObject({ total: 4, skip: 0, limit: 10, next_cursor: null })
  expect(body.runs).toEqual(body.items)
  expect(body.items[3]).toMatchObject({
    request_id: ids[0],
    timestamp: '2026-11-20T10:15:30.000Z',
    project_name: 'acme',
    model: 'gpt-4o-mini',
    prompt: 'Say hello to the world',
    completion: 'Hello, world!',
    total_tokens: 17,
    latency_ms: 900,
    text_truncated: false,
  })
  expect(runList.parse(body)).toEqual(body)
})

it.each([
  ['project=globex', [1]],
  [`key=${bob}`, [3, 2]],
  ['user=bob', [2]],
  ['soeid=bob', [2]],
  ['user=bob&soeid=bob', [2]],
  ['model=gpt-4o', []],
  ['provider=openai&status=success', [3, 1, 0]],
  ['status=error', [2]],
  ['status=upstream_error_http', [2]],
  ['outcome=ok&status=success', [3, 1, 0]],
  ['status_code=429', [2]],
  ['session=s-1', [0]],
  ['text=HELLO', [3, 2, 1, 0]],
  ['text=100%25+of', [3]],
  ['text=a.b*', [3]],
  ['text=a.b', [3]],
  ['text=%25', [3]],
  ['text=.*', []],
  ['latency_min_ms=900', [0]],
  ['latency_max_ms=899', [3, 2, 1]],
  ['tokens_min=5000&tokens_max=5000', [1]],
  ['operation=embeddings', [3]],
  ['operation=models', [4]],
  ['operation=all', [4, 3, 2, 1, 0]],
  [`from=${aMoment + 1_000}&to=${aMoment + 3_000}`, [2, 1]],
  ['skip=1&limit=2', [2, 1]],
])('finds the calls of %s', async (query, places) => {
  const { status, body } = await (await apiOver(records)).ask(`/llm-history?${query}`)
  expect([status, body.items && placesIn(body)]).toEqual([200, places])
})

it('cuts long texts in the list, between characters, and has them whole in the call', async () => {
  const prompt = `${'a'.repeat(9_999)}😀 and on`
  const long = [aRecord({ run: { prompt } })]
  const api = await apiOver(long)
  const { body } = await api.ask('/llm-history')
  expect(body.items[0]).toMatchObject({ prompt: 'a'.repeat(9_999), completion: 'Hello, world!', text_truncated: true })
  expect((await api.ask(`/llm-history/${body.items[0]._id}`)).body.run.prompt).toBe(prompt)
})

it('goes on from page to page without a gap or a repeat', async () => {
  const api = await apiOver(records)
  const seen: number[] = []
  let cursor = ''
  do {
    const { body } = await api.ask(`/llm-history?limit=3&operation=all${cursor}`)
    seen.push(...placesIn(body))
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
  } while (cursor !== '')
  expect(seen).toEqual([4, 3, 2, 1, 0])
})

it('shows a key its own calls only, whatever is asked', async () => {
  const api = await apiOver(records)
  expect(placesIn((await api.ask('/llm-history', 'sk-ada')).body)).toEqual([1, 0])
  expect(placesIn((await api.ask(`/llm-history?key=${ada}`, 'sk-ada')).body)).toEqual([1, 0])
  expect(placesIn((await api.ask('/llm-history?project=globex', 'sk-ada')).body)).toEqual([1])
  expect(placesIn((await api.ask('/llm-history?key=sk-bob', null)).body)).toEqual([3, 2])
  expect((await api.ask(`/llm-history?key=${bob}`, 'sk-ada')).body.error.code).toBe('outside_scope')
  expect(placesIn((await api.ask('/llm-history', 'sk-stranger')).body)).toEqual([])
})

it('shows one call whole, with the arrival of each piece', async () => {
  const { body } = await (await apiOver(records)).ask(`/llm-history/${ids[0]}`)
  expect(body.telemetry).toEqual(JSON.parse(JSON.stringify(records[0]?.telemetry)))
  expect(body.run).toEqual(JSON.parse(JSON.stringify(records[0]?.run)))
  expect(body.chunk_times).toEqual([
    [182.5, 62],
    [204, 128],
    [223.25, 142],
  ])
  expect(runDetail.parse(body)).toEqual(body)
})

it('knows no call of another key, no unknown id and nothing that is none, and answers the same to each', async () => {
  const api = await apiOver(records)
  const unseen = newId(aMoment)
  expect((await api.ask(`/llm-history/${ids[0]}`, 'sk-ada')).status).toBe(200)
  for (const [id, key] of [
    [ids[0], 'sk-bob'],
    [unseen, 'sk-bob'],
    [unseen, undefined],
    ['1', undefined],
    ['%00', undefined],
  ]) {
    for (const raw of ['', '?raw=request', '?raw=response']) {
      const { status, body } = await api.ask(`/llm-history/${id}${raw}`, key)
      expect([status, body.error.code]).toEqual([404, 'not_found'])
    }
  }
})

it('returns the kept bytes exactly, with their type, and never as a page', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  const hostile = aRecord({
    metadata: { key_id: ada },
    requestBytes: utf8('<script>alert(1)</script>'),
    responseBytes: bytes,
    run: {
      request_body: facts({ size: 25, content_type: 'text/html' }),
      response_body: facts({ size: 9_000, truncated: true, content_type: null, content_encoding: 'gzip' }),
    },
  })
  const api = await apiOver([hostile])
  const path = `/llm-history/${hostile.telemetry._id}`

  const request = await api.get(`${path}?raw=request`, 'sk-ada')
  expect(await request.text()).toBe('<script>alert(1)</script>')
  expect(Object.fromEntries(request.headers)).toMatchObject({
    'content-type': 'text/html',
    'content-disposition': `attachment; filename="${hostile.telemetry._id}-request.bin"`,
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  expect(request.headers.has('x-sightglass-truncated')).toBe(false)

  const response = await api.get(`${path}?raw=response`, 'sk-ada')
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
  expect(response.headers.get('content-type')).toBe('application/octet-stream')
  expect(response.headers.get('content-encoding')).toBeNull()
  expect(response.headers.get('x-sightglass-content-encoding')).toBe('gzip')
  expect(response.headers.get('x-sightglass-truncated')).toBe('true')
})

it('returns an empty body as empty, and says when none was kept', async () => {
  const record = aRecord({ requestBytes: new Uint8Array(), responseBytes: null })
  const api = await apiOver([record])
  const empty = await api.get(`/llm-history/${record.telemetry._id}?raw=request`)
  expect([empty.status, await empty.text()]).toEqual([200, ''])
  const { status, body } = await api.ask(`/llm-history/${record.telemetry._id}?raw=response`)
  expect([status, body.error.message]).toEqual([404, "nothing was kept of this call's response"])
})

it('takes a content type that no header can hold for none', async () => {
  const record = aRecord({ run: { response_body: facts({ content_type: 'text/plain\r\nset-cookie: a=b' }) } })
  const response = await (await apiOver([record])).get(`/llm-history/${record.telemetry._id}?raw=response`)
  expect(response.headers.get('content-type')).toBe('application/octet-stream')
  expect(response.headers.has('set-cookie')).toBe(false)
})

const facts = (other: object) => ({
  size: 0,
  sha256: null,
  kept: 0,
  truncated: false,
  coding: 'identity' as const,
  content_type: 'application/json',
  content_encoding: null,
  ...other,
})
