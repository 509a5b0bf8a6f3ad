import { randomBytes } from 'node:crypto'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answer, chunk, json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import {
  type ReceivedRequest,
  type Script,
  type ScriptedUpstream,
  scriptedUpstream,
} from '../support/scripted-upstream.ts'

let upstream: ScriptedUpstream
let proxy: TestProxy
let script: (request: ReceivedRequest) => Script

beforeAll(async () => {
  upstream = await scriptedUpstream((request) => script(request))
  proxy = await startProxy({ upstreams: { openai: upstream.port, anthropic: upstream.port, ollama: upstream.port } })
})

afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
})

const ask = (path: string): Promise<Response> =>
  fetch(proxy.url + path, { headers: { authorization: `Bearer ${proxy.adminToken}` } })
const rawOf = (id: string | null, side: 'request' | 'response'): Promise<Response> =>
  ask(`/llm-history/${id}?raw=${side}`)

const boundary = '----sightglass'
const multipart = Buffer.concat([
  Buffer.from(
    `--${boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--${boundary}\r\n` +
      'content-disposition: form-data; name="file"; filename="ä.bin"\r\ncontent-type: application/octet-stream\r\n\r\n',
  ),
  randomBytes(200_000),
  Buffer.from(`\r\n--${boundary}--\r\n`),
])
const everyByte = Buffer.from(Array.from({ length: 70_000 }, (_, place) => place % 256))

it.each([
  ['a form with a file', `multipart/form-data; boundary=${boundary}`, multipart],
  ['bytes of every value', 'application/octet-stream', everyByte],
  ['compressed JSON', 'application/json', gzipSync('{"model":"m","messages":[]}')],
  ['nothing', 'application/json', Buffer.alloc(0)],
])(
  'carries %s to the upstream and back as they are, and gives the same bytes from the record (C1)',
  async (_name, type, body) => {
    script = (request) => answer({ headers: [['content-type', type]], framing: 'chunked', pieces: [[0, request.body]] })
    const sent: [string, string][] = [
      ['Content-Type', type],
      ['OpenAI-Organization', 'org'],
      ['OpenAI-Beta', 'assistants=v2'],
      ['Idempotency-Key', 'once-only'],
      ['Accept', '*/*'],
      ['User-Agent', 'curl/8'],
      ['Connection', 'keep-alive, x-hop'],
      ['X-Hop', 'of this connection'],
      ['X-Project-Id', 'shop'],
    ]
    const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/files?a=1&b=%2F&a=2', sent, body))
    const received = upstream.requests.at(-1)!
    expect(received.target).toBe('/v1/files?a=1&b=%2F&a=2')
    expect(received.body.equals(body)).toBe(true)
    // `connection` is that of our own connection to the upstream
    expect(received.headers.filter(([name]) => name !== 'connection')).toEqual([
      ['host', `127.0.0.1:${upstream.port}`],
      ...sent.slice(0, 6),
      ['content-length', String(body.length)],
    ])
    expect(all).toMatchObject({ status: 200, ended: 'clean', framing: 'chunked' })
    expect(all.body.equals(body)).toBe(true)

    const id = all.header('x-sightglass-id')
    const { telemetry } = await proxy.record(id)
    expect(telemetry.metadata).toMatchObject({
      operation: 'files',
      request_size: body.length,
      response_size: body.length,
    })
    for (const side of ['request', 'response'] as const) {
      const kept = await rawOf(id, side)
      expect(kept.headers.get('content-type')).toBe(type)
      expect(Buffer.from(await kept.arrayBuffer()).equals(body)).toBe(true)
    }
  },
)

const events = [
  { model: 'gpt-4o-mini', choices: [{ index: 0, delta: { content: 'Grüße' }, finish_reason: null }] },
  { model: 'gpt-4o-mini', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { model: 'gpt-4o-mini', choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
]
const stream = `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`

it.each([
  ['gzip', gzipSync(stream)],
  ['br', brotliCompressSync(stream)],
])('passes an answer in %s on as it is, and reads text and usage from its copy (C18)', async (coding, body) => {
  script = () => [
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: ${coding}\r\ntransfer-encoding: chunked\r\n\r\n`,
    chunk(body.subarray(0, 20)),
    chunk(body.subarray(20)),
    '0\r\n\r\n',
  ]
  const question = '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}'
  const all = await rawExchange(
    proxy.port,
    requestBytes('POST', '/v1/chat/completions', [['accept-encoding', coding]], question),
  )
  expect(upstream.requests.at(-1)!.header('accept-encoding')).toBe(coding)
  expect(all.header('content-encoding')).toBe(coding)
  expect(all.body.equals(body)).toBe(true)
  const id = all.header('x-sightglass-id')
  const { telemetry, run } = await proxy.record(id)
  expect(run).toMatchObject({ completion: 'Grüße', finish_reason: 'stop' })
  expect(telemetry.metadata).toMatchObject({
    prompt_tokens: 5,
    completion_tokens: 2,
    token_source: 'reported',
    content_encoding: coding,
  })
  const kept = await rawOf(id, 'response')
  expect(kept.headers.get('x-sightglass-content-encoding')).toBe(coding)
  expect(Buffer.from(await kept.arrayBuffer()).equals(body)).toBe(true)
})

it('keeps preflights, lists, probes and token counts out of the averages, and forwards them all the same', async () => {
  const cors: [string, string][] = [
    ['access-control-allow-origin', 'https://app.example'],
    ['access-control-allow-headers', 'authorization'],
  ]
  script = (request) => {
    if (request.method === 'OPTIONS')
      return answer({ status: 204, reason: 'No Content', headers: cors, framing: 'none' })
    if (request.target === '/') return answer({ headers: [['content-type', 'text/plain']], body: 'Ollama is running' })
    return json({ object: 'list', data: [] })
  }
  const preflight: [string, string][] = [
    ['Origin', 'https://app.example'],
    ['Access-Control-Request-Method', 'POST'],
    ['Access-Control-Request-Headers', 'authorization, content-type'],
  ]
  const calls: [string, string, [string, string][], string][] = [
    ['OPTIONS', '/v1/chat/completions', preflight, 'preflight'],
    ['OPTIONS', '/api/chat', preflight, 'preflight'],
    ['GET', '/v1/models', [], 'models'],
    ['GET', '/v1/models', [['anthropic-version', '2023-06-01']], 'models'],
    ['GET', '/api/tags', [], 'models'],
    ['GET', '/api/version', [], 'health'],
    ['GET', '/', [], 'health'],
    ['HEAD', '/', [], 'health'],
    ['POST', '/v1/messages/count_tokens', [], 'count_tokens'],
    ['POST', '/v1/batches', [], 'batches'],
    ['POST', '/v1/responses/input_tokens', [], 'count_tokens'],
    ['POST', '/v1/responses/resp_1/cancel', [], 'other'],
    ['POST', '/v1/threads', [], 'other'],
  ]
  await proxy.settled()
  const before = { model: await requests(''), all: await requests('?operation=all') }
  for (const [method, path, headers, operation] of calls) {
    const all = await rawExchange(proxy.port, requestBytes(method, path, headers, method === 'POST' ? '{}' : undefined))
    const received = upstream.requests.at(-1)!
    expect([received.method, received.target]).toEqual([method, path])
    for (const [name, value] of headers) expect(received.header(name)).toBe(value)
    if (method === 'OPTIONS') {
      expect(all.status).toBe(204)
      for (const [name, value] of cors) expect(all.header(name)).toBe(value)
    }
    if (path === '/') expect(all).toMatchObject({ status: 200, bodyText: method === 'GET' ? 'Ollama is running' : '' })
    const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry).toMatchObject({
      event_type: 'direct_request',
      metadata: { operation, total_tokens: null, token_source: 'none', cost_usd: null },
    })
    expect(run.operation).toBe(operation)
  }
  expect((await requests('')) - before.model).toBe(0)
  expect((await requests('?operation=all')) - before.all).toBe(calls.length)
})

async function requests(query: string): Promise<number> {
  const answered = await ask(`/usage${query}`)
  return ((await answered.json()) as { totals: { requests: number } }).totals.requests
}
