import { expect, it } from 'vitest'
import { chunk } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually, signal, within } from '../support/within.ts'

const json = [['content-type', 'application/json']] as const
const event = (text: string): string =>
  `data: ${JSON.stringify({ id: 'c1', model: 'gpt-4o', choices: [{ index: 0, delta: { content: text } }] })}\n\n`
const ask = requestBytes(
  'POST',
  '/v1/chat/completions',
  json,
  JSON.stringify({ model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
)

it('gives the client the exact prefix and no clean end, wherever the upstream is cut, by FIN and by RST', async () => {
  const chunked = Buffer.concat([
    Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'),
    ...['ab', 'cd', 'ef'].map((text) => chunk(text)),
    Buffer.from('0\r\n\r\n'),
  ])
  const length = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 6\r\n\r\nabcdef')
  let bytes = chunked
  let how: 'FIN' | 'RST' = 'FIN'
  await using upstream = await scriptedUpstream(() => [bytes, how])
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  for (const whole of [chunked, length])
    for (const end of ['FIN', 'RST'] as const)
      for (let cut = whole.indexOf('\r\n\r\n') + 4; cut < whole.length; cut++) {
        bytes = whole.subarray(0, cut)
        how = end
        const all = await rawExchange(proxy.port, ask)
        expect(all.ended).not.toBe('clean')
        // a reset may overtake what was sent just before it: then the answer never began, and the error is ours
        if (all.status === 502) expect(end).toBe('RST')
        else expect('abcdef'.startsWith(all.bodyText)).toBe(true)
        if (end === 'FIN') {
          const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
          expect(telemetry.metadata).toMatchObject({ outcome: 'upstream_cut', end_by: 'upstream', end_phase: 'data' })
          expect(telemetry.metadata.response_size).toBe(all.body.length)
        }
      }
}, 60_000)

it('records a client that leaves in mid-stream, with what it had, and stops the upstream within a second (C15)', async () => {
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
    chunk(event('partial text')),
    { until: signal().promise },
  ])
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(ask)
  await client.bodyText('partial text')
  const id = (await client.head()).header('x-sightglass-id')
  client.leave()
  await within(1000, 'the upstream to be left', upstream.requests[0]!.closed)
  const { telemetry, run } = await proxy.record(id)
  expect(telemetry.metadata).toMatchObject({
    outcome: 'client_cut',
    end_by: 'client',
    end_phase: 'data',
    token_source: 'estimated',
  })
  expect(telemetry.metadata.completion_tokens).toBeGreaterThan(0)
  expect(run.completion).toBe('partial text')
})

it('records failures truthfully: status, error, model of the request (C14)', async () => {
  const answers: Record<string, string> = {
    400: '{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":"bad_thing"}}',
    401: '{"error":{"message":"no key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
    429: '{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}',
    500: 'oops, no JSON',
  }
  let status = '400'
  await using upstream = await scriptedUpstream(() => [
    `HTTP/1.1 ${status} Sorry\r\ncontent-type: application/json\r\nx-request-id: up-1\r\ncontent-length: ${answers[status]!.length}\r\n\r\n${answers[status]}`,
  ])
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  for (status of Object.keys(answers)) {
    const all = await rawExchange(proxy.port, ask)
    expect(all).toMatchObject({ status: Number(status), bodyText: answers[status] })
    const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata).toMatchObject({
      status_code: Number(status),
      upstream_status: Number(status),
      outcome: 'upstream_error_http',
      success: false,
      model_requested: 'gpt-4o',
      upstream_request_id: 'up-1',
    })
    expect(telemetry.metadata.error_message).toContain(
      status === '500' ? 'oops' : JSON.parse(answers[status]!).error.message,
    )
    expect(run.prompt).toBe('hi')
  }
})

it('records a call that got no answer: refused, and silent beyond the header wait (C14)', async () => {
  await using upstream = await scriptedUpstream(() => [{ until: signal().promise }])
  const silent = { provider: 'openai', url: `http://127.0.0.1:${upstream.port}`, headerWaitMs: 200 }
  const nobody = await scriptedUpstream(() => [])
  await nobody.stop()
  await using proxy = await startProxy({ upstreams: { openai: silent, vllm: nobody.port } })
  for (const [path, status, code, phase] of [
    ['/v1/chat/completions', 504, 'upstream_silent', 'headers'],
    ['/vllm/v1/chat/completions', 502, 'upstream_refused', 'connect'],
  ] as const) {
    const body = '{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}'
    const all = await rawExchange(proxy.port, requestBytes('POST', path, json, body))
    expect(all).toMatchObject({ status, ended: 'clean', json: { error: { code } } })
    const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata).toMatchObject({
      status_code: status,
      upstream_status: null,
      outcome: 'proxy_error',
      success: false,
      end_by: 'upstream',
      end_phase: phase,
      error_type: code,
      model_requested: 'gpt-4o',
      ttfb_ms: null,
      ttft_ms: null,
      completion_tokens: null,
      cost_usd: null,
    })
    expect(run).toMatchObject({ model: 'gpt-4o', prompt: 'hi', completion: null, status_code: status })
  }
})

it('reads what is left of a stream with malformed events, and hands it on as it is (C14)', async () => {
  const stream = [
    event('one'),
    'data: {"choices":[{"delta":\n\n',
    ': a comment\n\nevent: odd\ndata\n\n',
    'data: [1,2,3]\n\ndata: "text"\n\ndata: {"choices":{"0":7}}\n\n',
    event(' two'),
    'data: [DONE]\n\n',
  ].join('')
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
    chunk(stream),
    '0\r\n\r\n',
  ])
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, ask)
  expect(all).toMatchObject({ bodyText: stream, ended: 'clean' })
  const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
  expect(run.completion).toBe('one two')
  expect(run.events).toMatchObject({ content_events: 2, comments: 1 })
  expect(run.events.bad_events).toBeGreaterThan(0)
  expect(telemetry.metadata).toMatchObject({ status_code: 200, token_source: 'estimated' })
})

it('delivers a stream beyond every limit of ours, keeps its beginning marked as cut, and finds its usage (C16)', async () => {
  const events = 40
  const word = 'x'.repeat(1 << 20)
  const usage = { prompt_tokens: 3, completion_tokens: 77, total_tokens: 80 }
  let size = 0
  await using upstream = await scriptedUpstream(async function* () {
    yield 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
    const texts = [
      ...Array.from({ length: events }, () => event(word)),
      `data: ${JSON.stringify({ id: 'c1', model: 'gpt-4o', choices: [], usage })}\n\n`,
      'data: [DONE]\n\n',
    ]
    for (const text of texts) {
      size += text.length
      yield chunk(text)
    }
    yield '0\r\n\r\n'
  })
  await using proxy = await startProxy({ upstreams: { openai: upstream.port }, journalBodyLimitBytes: 16 << 20 })
  const all = await rawExchange(proxy.port, ask, { deadlineMs: 30_000 })
  expect(all.ended).toBe('clean')
  expect(all.body.length).toBe(size)
  const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata).toMatchObject({ response_size: size, prompt_tokens: 3, completion_tokens: 77 })
  expect(run.text_truncated).toBe(true)
  expect(run.completion!.length).toBe(proxy.settings.bodyLimitBytes)
  expect(run.response_body).toMatchObject({ size, kept: proxy.settings.bodyLimitBytes, truncated: true })
}, 60_000)

it('forwards a malformed request body untouched and says so in the record', async () => {
  await using upstream = await scriptedUpstream(() => ['HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno'])
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const broken = '{"model": "gpt-4o", "messages": ['
  const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', json, broken))
  expect(upstream.requests[0]!.bodyText).toBe(broken)
  const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata.notes.join(' ')).toMatch(/request/i)
  expect(run.prompt).toBeNull()
})

it('slows the upstream down to a slow reader and delivers every byte of 50 MB, storing a bounded part (C16)', async () => {
  const size = 50 << 20
  const piece = Buffer.alloc(1 << 20, 'x')
  let sent = 0
  await using upstream = await scriptedUpstream(async function* () {
    yield `HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${size}\r\n\r\n`
    for (; sent < size; sent += piece.length) yield piece
  })
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port, { deadlineMs: 60_000 })
  client.socket.pause()
  await client.send(requestBytes('GET', '/v1/files/f/content'))
  await eventually('the first bytes', () => sent > 0)
  let before = -1
  await eventually(
    'the upstream to be held back',
    () => {
      const still = sent === before
      before = sent
      return still
    },
    10_000,
    300,
  )
  expect(sent).toBeLessThan(size / 2)
  client.socket.resume()
  const all = await client.answered()
  expect(all.body.length).toBe(size)
  const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata.response_size).toBe(size)
  expect(run.response_body).toMatchObject({ size, truncated: true, kept: 1 << 20 })
  expect(run.response_body.sha256).toMatch(/^[0-9a-f]{64}$/)
}, 60_000)
