import { expect, it } from 'vitest'
import { answer, chunk } from '../support/answer.ts'
import { bytesOf } from '../support/memory-journal.ts'
import { pipe } from '../support/pipe.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually, signal, within } from '../support/within.ts'

const json = [['content-type', 'application/json']] as const

it('passes an answer through unopened, with repeated headers, case, order, empty values and reason phrase intact', async () => {
  const head = [
    ['X-Odd', 'ä'],
    ['set-cookie', 'a=1'],
    ['Content-Encoding', 'gzip'],
    ['SET-COOKIE', 'b=2'],
    ['X-Empty', ''],
    ['Date', 'yesterday'],
  ] as const
  const body = Buffer.from([0, 255, 31, 139, 10, 13])
  await using upstream = await scriptedUpstream(() =>
    answer({ status: 299, reason: 'Quite Fine', headers: head, body }),
  )
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const request = requestBytes('GET', '/v1/models?a=%20b&a=c')

  const direct = await rawExchange(upstream.port, request)
  const through = await rawExchange(proxy.port, request)

  expect(through.headWithout('x-sightglass-id')).toBe(direct.headWithout())
  expect(through.body).toEqual(direct.body)
  expect(through.ended).toBe('clean')
  expect(through.header('x-sightglass-id')).toBe(proxy.journal.entries[0]!.open.id)
})

it('sends the request on with its headers in order and case, and only the listed ones held back', async () => {
  await using upstream = await scriptedUpstream(() => answer({ body: 'ok' }))
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const headers = [
    ['Host', 'proxy.test'],
    ['X-Project-Id', 'shop'],
    ['OpenAI-Beta', 'x=1'],
    ['authorization', 'Bearer sk-aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['X-Twice', '1'],
    ['x-twice', '2'],
    ['X-Empty', ''],
    ['Connection', 'x-hop, keep-alive, authorization'],
    ['X-Hop', 'gone'],
    ['x-user-id', 'ann'],
    ['X-Forwarded-For', '1.2.3.4'],
    ['Via', '1.1 a'],
    ['Content-Type', 'application/json'],
    ['Content-Length', '2'],
  ] as const
  await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions?x=1', headers, '{}'))

  const [seen] = upstream.requests
  expect(seen!.target).toBe('/v1/chat/completions?x=1')
  expect(seen!.bodyText).toBe('{}')
  expect(seen!.headers.filter(([name]) => name !== 'connection')).toEqual([
    ['host', `127.0.0.1:${upstream.port}`],
    ['OpenAI-Beta', 'x=1'],
    ['authorization', 'Bearer sk-aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['X-Twice', '1'],
    ['x-twice', '2'],
    ['X-Empty', ''],
    ['Content-Type', 'application/json'],
    ['content-length', '2'],
  ])
  const { open } = await proxy.entry(0)
  expect(open.context).toMatchObject({ project: 'shop', user: 'ann' })
  expect(JSON.stringify(proxy.journal.entries)).not.toContain('sk-aaaaaaaa')
})

it('passes each chunk on the moment it arrives', async () => {
  const goOn = signal()
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
    chunk('data: 1\n\n'),
    { until: goOn.promise },
    chunk('data: 2\n\n'),
    '0\r\n\r\n',
  ])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(requestBytes('POST', '/v1/chat/completions', json, '{"stream":true}'))
  await client.bodyText('data: 1')
  goOn.give()
  const all = await client.answered()
  expect(all.bodyText).toBe('data: 1\n\ndata: 2\n\n')
  const entry = await proxy.entry(0)
  expect(bytesOf(entry.response)).toEqual(all.body)
  expect(entry.close).toMatchObject({ endBy: null, endPhase: 'done', upstreamComplete: true, statusSent: 200 })
})

it('sends the head alone when the body is late', async () => {
  const goOn = signal()
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n',
    { until: goOn.promise },
    'ok',
  ])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(requestBytes('GET', '/v1/models'))
  expect((await client.head()).status).toBe(200)
  goOn.give()
  expect((await client.answered()).bodyText).toBe('ok')
})

for (const [framing, head] of [
  ['length', 'content-length: 100\r\n'],
  ['chunked', 'transfer-encoding: chunked\r\n'],
  ['close', ''],
] as const)
  for (const how of ['FIN', 'RST'] as const) {
    if (framing === 'close' && how === 'FIN') continue
    it(`cuts the client where the upstream was cut: ${framing}, ${how}`, async () => {
      const piece = framing === 'chunked' ? chunk('hello') : 'hello'
      const seen = signal()
      await using upstream = await scriptedUpstream(() => [
        `HTTP/1.1 200 OK\r\n${head}\r\n`,
        piece,
        { until: seen.promise },
        how,
      ])
      await using proxy = await pipe({ upstreams: { openai: upstream.port } })
      const client = await rawConnect(proxy.port)
      await client.send(requestBytes('GET', '/v1/models'))
      await client.bodyText('hello')
      seen.give()
      const all = await client.answered()
      expect(all.bodyText).toBe('hello')
      expect(all.ended).toBe(framing === 'close' ? 'RST' : 'FIN')
      const { close } = await proxy.entry(0)
      expect(close).toMatchObject({ endBy: 'upstream', endPhase: 'data', upstreamComplete: false, statusSent: 200 })
    })
  }

it('keeps an answer without length close-delimited when it ends by FIN', async () => {
  await using upstream = await scriptedUpstream(() => answer({ framing: 'close', body: 'all of it' }))
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))
  expect(all).toMatchObject({ bodyText: 'all of it', framing: 'close', ended: 'clean' })
  expect((await proxy.entry(0)).close).toMatchObject({ endBy: null, upstreamComplete: true })
})

it.each([
  ['HEAD', 200, 'content-length: 12345\r\n'],
  ['GET', 204, ''],
  ['GET', 304, 'etag: "x"\r\n'],
])('answers %s %i without a body and keeps the connection', async (method, status, extra) => {
  await using upstream = await scriptedUpstream(() => [`HTTP/1.1 ${status} Fine\r\n${extra}\r\n`])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const request = requestBytes(method, '/v1/models')
  const direct = await rawExchange(upstream.port, request)
  const client = await rawConnect(proxy.port)
  for (const round of [0, 1]) {
    const through = await client.exchange(request)
    expect(through.headWithout('x-sightglass-id')).toBe(direct.headWithout())
    expect(through.ended).toBe('clean')
    expect((await proxy.entry(round)).close).toMatchObject({ endBy: null, statusSent: status })
  }
})

it('passes a flood of header lines on', async () => {
  const cookies = Array.from({ length: 300 }, (_, index) => ['Set-Cookie', `c${index}=${'x'.repeat(100)}`] as const)
  await using upstream = await scriptedUpstream(() => answer({ headers: cookies, body: 'ok' }))
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))
  expect(all.headers.filter(([name]) => name === 'Set-Cookie')).toEqual(cookies)
})

it('passes trailers of a chunked answer on', async () => {
  await using upstream = await scriptedUpstream(() =>
    answer({ framing: 'chunked', headers: [['Trailer', 'X-Sum']], body: 'abc', trailers: [['X-Sum', '6']] }),
  )
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const all = await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))
  expect(all.trailers).toEqual([['X-Sum', '6']])
})

it('stops the upstream when the client leaves in mid-stream, and the journal says so', async () => {
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
    chunk('data: 1\n\n'),
    { until: signal().promise },
  ])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(requestBytes('POST', '/v1/chat/completions', json, '{}'))
  await client.bodyText('data: 1')
  client.leave()
  await within(1000, 'the upstream to be left', upstream.requests[0]!.closed)
  const { close, response } = await proxy.entry(0)
  expect(close).toMatchObject({ endBy: 'client', endPhase: 'data', statusSent: 200, upstreamComplete: false })
  expect(bytesOf(response).toString()).toBe('data: 1\n\n')
})

it('reads the rest of an answer after the client left, where it is told to drain', async () => {
  const goOn = signal()
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
    chunk('data: 1\n\n'),
    { until: goOn.promise },
    chunk('data: usage\n\n'),
    '0\r\n\r\n',
  ])
  const url = `http://127.0.0.1:${upstream.port}`
  await using proxy = await pipe({ upstreams: { openai: { provider: 'openai', url, onDisconnect: 'drain' } } })
  const client = await rawConnect(proxy.port)
  await client.send(requestBytes('POST', '/v1/chat/completions', json, '{}'))
  await client.bodyText('data: 1')
  client.leave()
  await eventually('the proxy to see that the client left', async () => (await proxy.connections()) === 0)
  goOn.give()
  const { close, response } = await proxy.entry(0)
  expect(close).toMatchObject({ endBy: 'client', endPhase: 'data', upstreamComplete: true })
  expect(bytesOf(response).toString()).toBe('data: 1\n\ndata: usage\n\n')
})

it('lets a client that leaves before the head is there take the upstream call with it', async () => {
  await using upstream = await scriptedUpstream(() => [{ until: signal().promise }])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(requestBytes('POST', '/v1/chat/completions', json, '{}'))
  const seen = await upstream.request(0)
  await seen.ended
  client.leave()
  await within(1000, 'the upstream to be left', seen.closed)
  expect((await proxy.entry(0)).close).toMatchObject({ endBy: 'client', endPhase: 'headers', statusSent: null })
})

it('gives up the upload when the client leaves in the middle of it', async () => {
  await using upstream = await scriptedUpstream(() => [])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send('POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nonly this')
  const seen = await upstream.request(0)
  client.leave()
  await within(1000, 'the upstream to be left', seen.closed)
  expect(seen.complete).toBe(false)
  expect((await proxy.entry(0)).close).toMatchObject({ endBy: 'client', endPhase: 'request', requestBytes: 9 })
})

it('passes an early answer on while the client still uploads, and drops the rest of the upload', async () => {
  await using upstream = await scriptedUpstream(
    () => answer({ status: 413, reason: 'Too Large', headers: [['connection', 'close']], body: 'no' }),
    { answerAt: 'head' },
  )
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const size = 8 << 20
  const client = await rawConnect(proxy.port)
  await client.send(`POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: ${size}\r\n\r\nfirst`)
  await client.head()
  await client.more(Buffer.alloc(size - 5, 'a'))
  const all = await client.answered()
  expect(all).toMatchObject({ status: 413, bodyText: 'no' })
  expect((await proxy.entry(0)).close).toMatchObject({ statusSent: 413, upstreamComplete: true })
})

it('sends a chunked upload on piece by piece', async () => {
  await using upstream = await scriptedUpstream(() => answer({ body: 'ok' }))
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send('POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n')
  const seen = await upstream.request(0)
  await client.more('6\r\nsecond\r\n0\r\n\r\n')
  await within(1000, 'the whole upload', seen.ended)
  expect(seen.bodyText).toBe('firstsecond')
  expect((await client.answered()).bodyText).toBe('ok')
  expect(bytesOf((await proxy.entry(0)).request).toString()).toBe('firstsecond')
})
