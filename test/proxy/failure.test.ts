import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { pipe } from '../support/pipe.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { signal } from '../support/within.ts'

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

it.each([
  ['openai', '/v1/chat/completions', { error: { type: 'upstream_error', code: 'upstream_refused', param: null } }],
  ['anthropic', '/v1/messages', { type: 'error', error: { type: 'api_error' } }],
  ['ollama', '/api/chat', { error: expect.stringContaining('refused the connection') }],
])('answers 502 in the shape of %s when nobody listens there', async (provider, path, shape) => {
  await using proxy = await pipe({ upstreams: { [provider]: await closedPort() } })
  const all = await rawExchange(proxy.port, requestBytes('POST', path, [], '{}'))
  expect(all).toMatchObject({ status: 502, ended: 'clean', json: shape })
  const { open, close, head } = await proxy.entry(0)
  expect(all.header('x-sightglass-id')).toBe(open.id)
  expect(head).toBeNull()
  expect(close).toMatchObject({
    endBy: 'upstream',
    endPhase: 'connect',
    statusSent: 502,
    failure: { code: 'upstream_refused' },
  })
})

it('greets who asks for / when no Ollama is there', async () => {
  await using proxy = await pipe({ upstreams: { ollama: await closedPort() } })
  const all = await rawExchange(proxy.port, requestBytes('GET', '/'))
  expect(all).toMatchObject({ status: 200, bodyText: 'Sightglass is running\n' })
})

it('answers 504 when the upstream stays silent', async () => {
  await using upstream = await scriptedUpstream(() => [{ until: signal().promise }])
  const url = `http://127.0.0.1:${upstream.port}`
  await using proxy = await pipe({ upstreams: { openai: { provider: 'openai', url, headerWaitMs: 300 } } })
  const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', [], '{}'))
  expect(all).toMatchObject({ status: 504, json: { error: { code: 'upstream_silent' } } })
  expect((await proxy.entry(0)).close).toMatchObject({ endBy: 'upstream', endPhase: 'headers', statusSent: 504 })
  expect(upstream.requests).toHaveLength(1)
})

it('cuts both sides when the upstream stalls in mid-stream', async () => {
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
    { until: signal().promise },
  ])
  const url = `http://127.0.0.1:${upstream.port}`
  await using proxy = await pipe({ upstreams: { openai: { provider: 'openai', url, idleMs: 300 } } })
  const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', [], '{}'))
  expect(all).toMatchObject({ bodyText: 'hello', ended: 'FIN' })
  expect((await proxy.entry(0)).close).toMatchObject({ endPhase: 'data', failure: { code: 'upstream_idle' } })
})

it('does not repeat a call that the upstream dropped', async () => {
  await using upstream = await scriptedUpstream(() => ['RST'])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', [], '{}'))
  expect(all).toMatchObject({ status: 502, json: { error: { code: 'upstream_reset' } } })
  expect(upstream.requests).toHaveLength(1)
})

it.each([
  ['no HTTP at all', 'hello there\r\n\r\n', 'upstream_malformed'],
  ['a NUL in a header', 'HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n', 'upstream_malformed'],
  ['a giant header', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(1 << 20)}\r\n\r\n`, 'upstream_headers'],
])('answers 502 to %s from the upstream, and none of it reaches the client', async (_name, bytes, code) => {
  await using upstream = await scriptedUpstream(() => [bytes, { until: signal().promise }])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))
  expect(all).toMatchObject({ status: 502, json: { error: { code } } })
  expect(all.header('a')).toBeNull()
})
