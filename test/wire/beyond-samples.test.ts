import { describe, expect, it } from 'vitest'
import { answer, chunk, json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually, signal, within } from '../support/within.ts'

/** What a file cannot hold: moments at which somebody leaves, answers that never end, bodies of megabytes. */
const events = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const typed = [['content-type', 'application/json']] as const
const asked = requestBytes(
  'POST',
  '/v1/chat/completions',
  typed,
  JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Name a sea.' }] }),
)
const event = (choice: object, more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'c1', model: 'gpt-4o-mini', choices: [{ index: 0, ...choice }], ...more })}\n\n`
const said = event({ delta: { content: 'The Coral Sea.' } })
const finished = event({ delta: {}, finish_reason: 'stop' })

describe('a client that leaves', () => {
  it.each([
    ['after the finish reason and before the usage', [said, finished], '"stop"', 'client_cut', 'estimated'],
    [
      'after [DONE] and before the end of the message',
      [said, event({ delta: {}, finish_reason: 'stop' }, { usage: { prompt_tokens: 9, completion_tokens: 4 } })],
      '[DONE]',
      'ok',
      'reported',
    ],
  ])('%s', async (_when, sent, seen, outcome, source) => {
    const more = seen === '[DONE]' ? ['data: [DONE]\n\n'] : []
    await using upstream = await scriptedUpstream(() => [
      events,
      ...[...sent, ...more].map((text) => chunk(text)),
      { until: signal().promise },
    ])
    await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
    const client = await rawConnect(proxy.port)
    await client.send(asked)
    await client.bodyText(seen)
    const id = (await client.head()).header('x-sightglass-id')
    client.leave()
    await within(1000, 'the upstream to be left', upstream.requests[0]!.closed)
    const { telemetry, run } = await proxy.record(id)
    expect(telemetry.metadata).toMatchObject({ outcome, end_by: 'client', token_source: source, finish_reason: 'stop' })
    expect(run.completion).toBe('The Coral Sea.')
  })
})

it('passes comments of an answer that never ends, each at once, and counts them when the client has enough', async () => {
  const pings = [1, 2, 3].map((count) => ({ go: signal(), text: `: keep-alive ${count}\n\n` }))
  await using upstream = await scriptedUpstream(async function* () {
    yield events
    yield chunk(said)
    for (const { go, text } of pings) {
      await go.promise
      yield chunk(text)
    }
    yield { until: signal().promise }
  })
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(asked)
  await client.bodyText('Coral')
  for (const { go, text } of pings) {
    go.give()
    await client.bodyText(text)
  }
  const id = (await client.head()).header('x-sightglass-id')
  client.leave()
  const { telemetry, run } = await proxy.record(id)
  expect(run.events).toMatchObject({ events: 1, comments: 3, content_events: 1 })
  expect(telemetry.metadata).toMatchObject({ outcome: 'client_cut', finish_reason: null })
  expect(telemetry.metadata.last_content_ms).toBe(telemetry.metadata.ttft_ms)
})

it.each(['102 Processing', '103 Early Hints'])('reads the answer that follows an interim %s', async (interim) => {
  const real = answer({ headers: [['content-type', 'application/json']], body: '{"choices":[]}' })
  await using upstream = await scriptedUpstream(() => [`HTTP/1.1 ${interim}\r\nlink: </a>\r\n\r\n`, ...real])
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, asked)
  expect([all.status, all.bodyText, all.ended]).toEqual([200, '{"choices":[]}', 'clean'])
  const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata).toMatchObject({ status_code: 200, upstream_status: 200 })
})

it('answers Expect: 100-continue, so that a client sends its body, and hands the body on whole', async () => {
  await using upstream = await scriptedUpstream((request) => json({ got: request.body.length }))
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  const body = `{"model":"m","messages":[],"pad":"${'x'.repeat(5000)}"}`
  await client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
  )
  await client.more(body)
  const all = await client.answered()
  expect(all.interim.map(({ startLine }) => startLine.split(' ')[1])).toEqual(['100'])
  expect(all.json).toEqual({ got: body.length })
})

it('passes a form whose model follows its file, and records it without reading it', async () => {
  const form = Buffer.concat([
    Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'),
    Buffer.alloc(300_000, 7),
    Buffer.from('\r\n--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'),
  ])
  await using upstream = await scriptedUpstream((request) => json({ text: String(request.body.equals(form)) }))
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(
    proxy.port,
    requestBytes('POST', '/v1/audio/transcriptions', [['content-type', 'multipart/form-data; boundary=b']], form),
  )
  expect(all.json).toEqual({ text: 'true' })
  const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata).toMatchObject({ outcome: 'ok', request_size: form.length })
})

it('passes the 100,000 lines of a pull, which is no model call', async () => {
  const line = `${JSON.stringify({ status: 'pulling', digest: 'sha256:ab', total: 100_000, completed: 1 })}\n`
  const block = line.repeat(1000)
  await using upstream = await scriptedUpstream(async function* () {
    yield 'HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n'
    for (let sent = 0; sent < 100; sent++) yield chunk(block)
    yield chunk('{"status":"success"}\n')
    yield '0\r\n\r\n'
  })
  await using proxy = await startProxy({ upstreams: { ollama: upstream.port } })
  const all = await rawExchange(proxy.port, requestBytes('POST', '/api/pull', typed, '{"model":"tiny"}'), {
    deadlineMs: 30_000,
  })
  expect([all.ended, all.body.length]).toEqual(['clean', 100 * block.length + 21])
  const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata).toMatchObject({ operation: 'pull', outcome: 'ok', total_tokens: null })
  expect(run.events.events).toBe(100_001)
}, 60_000)

it('passes 50 MB of a request on, whose first and last fields are read', async () => {
  const messages = [{ role: 'user', content: 'x'.repeat(50_000_000) }]
  const body = JSON.stringify({ model: 'gpt-4o-mini', messages, temperature: 0.25 })
  await using upstream = await scriptedUpstream((request) => json({ choices: [], got: request.body.length }))
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', typed, body), {
    deadlineMs: 60_000,
  })
  expect(all.json).toMatchObject({ got: body.length })
  await eventually('its record', async () => (await proxy.records()).length === 1, 20_000)
  const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata).toMatchObject({ model_requested: 'gpt-4o-mini', request_size: body.length })
  expect(run.parameters.temperature).toBe(0.25)
}, 90_000)
