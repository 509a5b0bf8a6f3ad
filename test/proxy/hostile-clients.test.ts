import { expect, it } from 'vitest'
import { answer, chunk } from '../support/answer.ts'
import { bytesOf } from '../support/memory-journal.ts'
import { type Pipe, pipe } from '../support/pipe.ts'
import { rawConnect, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually, signal } from '../support/within.ts'

const upgrade = 'GET /v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
const connectTo = 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n'
const rubbish = '\x00\x01rubbish\r\n\r\n'

const idle = (proxy: Pipe) => eventually('no call to be under way', () => proxy.active() === 0)
const alone = (proxy: Pipe) => eventually('no client to be connected', async () => (await proxy.connections()) === 0)

it.each([
  ['an upgrade', upgrade],
  ['CONNECT', connectTo],
])('lives on when a client sends %s and resets', async (_what, bytes) => {
  await using proxy = await pipe()
  for (let round = 0; round < 20; round++) {
    const client = await rawConnect(proxy.port)
    await client.send(bytes)
    client.reset()
  }
  await alone(proxy)
})

it.each([
  ['rubbish', rubbish],
  ['an upgrade', upgrade],
  ['CONNECT', connectTo],
])('lets go of a client that sent %s, was answered, and stays', async (_what, bytes) => {
  await using proxy = await pipe()
  const client = await rawConnect(proxy.port)
  expect((await client.exchange(bytes)).status).toBeGreaterThanOrEqual(400)
  await alone(proxy)
})

it.each([
  ['rubbish', rubbish],
  ['an upgrade', upgrade],
  ['CONNECT', connectTo],
])('writes no word of its own into an answer when %s follows the request', async (_what, bytes) => {
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nhello',
    { until: signal().promise },
  ])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(requestBytes('GET', '/v1/models'))
  await client.bodyText('hello')
  await client.more(bytes)
  expect((await client.answered()).bodyText).toBe('hello')
  await idle(proxy)
})

it('writes no word of its own into an answer when the upload goes wrong meanwhile', async () => {
  await using upstream = await scriptedUpstream(
    () => ['HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nhello', { until: signal().promise }],
    { answerAt: 'head' },
  )
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send('POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n')
  await client.bodyText('hello')
  await client.more('zz\r\n')
  expect((await client.answered()).bodyText).toBe('hello')
  await idle(proxy)
})

it('ends a call whose upload goes wrong before the answer, though the client stays', async () => {
  await using upstream = await scriptedUpstream(() => [])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send('POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n')
  await upstream.request(0)
  await client.more('zz\r\n')
  expect((await client.answered()).status).toBe(400)
  expect((await proxy.entry(0)).close).toMatchObject({ endBy: 'client', endPhase: 'request' })
  await alone(proxy)
})

it.each(['FIN', 'RST'] as const)('resets an HTTP/1.0 client whose chunked answer was cut by %s', async (how) => {
  const seen = signal()
  await using upstream = await scriptedUpstream(() => [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
    chunk('hello'),
    { until: seen.promise },
    how,
  ])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send('GET /v1/models HTTP/1.0\r\n\r\n')
  await client.bodyText('hello')
  seen.give()
  // without chunks a FIN would be the end of the message
  expect((await client.answered()).ended).toBe('RST')
})

it('serves the next request of a connection after an early answer, and keeps nothing behind the end of the first', async () => {
  await using upstream = await scriptedUpstream(
    ({ target }) => answer({ status: target.endsWith('next') ? 200 : 413, body: 'word' }),
    { answerAt: 'head' },
  )
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const size = 3 << 20
  const client = await rawConnect(proxy.port)
  await client.send(`POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: ${size}\r\n\r\nfirst`)
  expect((await client.answered()).status).toBe(413)
  await client.more(Buffer.alloc(size - 5, 'a'))
  expect((await client.exchange(requestBytes('GET', '/v1/models/next'))).status).toBe(200)
  const { close, request } = await proxy.entry(0)
  expect(bytesOf(request).length).toBe(close!.requestBytes)
})
