import { describe, expect, it } from 'vitest'
import { always, answer, eventStream, json } from './answer.ts'
import { rawConnect, rawExchange, requestBytes } from './raw-client.ts'
import { scriptedUpstream } from './scripted-upstream.ts'
import { eventually, signal, within } from './within.ts'

describe('the scripted upstream and the raw client', () => {
  it('keep every byte, the order and the case of both messages', async () => {
    await using upstream = await scriptedUpstream(
      always(
        answer({
          status: 299,
          reason: 'Ja  \xfc',
          headers: [
            ['X-B', '1'],
            ['x-a', ''],
            ['X-B', '2'],
          ],
          body: 'héllo',
        }),
      ),
    )
    const got = await rawExchange(
      upstream.port,
      requestBytes(
        'POST',
        '/x?y=1',
        [
          ['B', '2'],
          ['a', ' 1 '],
        ],
        'bödy',
      ),
    )
    expect(got.raw.toString('latin1')).toBe(
      'HTTP/1.1 299 Ja  \xfc\r\nX-B: 1\r\nx-a: \r\nX-B: 2\r\nContent-Length: 6\r\n\r\nh\xc3\xa9llo',
    )
    expect(got).toMatchObject({ status: 299, reason: 'Ja  \xfc', bodyText: 'héllo', framing: 'length', ended: 'clean' })
    expect(got.header('x-b')).toBe('1, 2')
    expect(got.headWithout('X-b', 'x-A')).toBe('HTTP/1.1 299 Ja  \xfc\r\nContent-Length: 6\r\n\r\n')
    expect(upstream.requests[0]).toMatchObject({ method: 'POST', target: '/x?y=1', bodyText: 'bödy', complete: true })
    expect(upstream.requests[0]?.headers).toEqual([
      ['host', 'test.local'],
      ['B', '2'],
      ['a', '1'],
      ['content-length', '5'],
    ])
  })

  it('see each chunk of a stream when it is sent', async () => {
    await using upstream = await scriptedUpstream(always(eventStream([{ n: 1 }, { n: 2 }, '[DONE]'], 30)))
    const got = await rawExchange(upstream.port, requestBytes('GET', '/'))
    expect(got.pieces.map((piece) => piece.bytes.toString())).toEqual([
      'data: {"n":1}\n\n',
      'data: {"n":2}\n\n',
      'data: [DONE]\n\n',
    ])
    expect(got.pieces[2]!.atMs - got.pieces[0]!.atMs).toBeGreaterThan(50)
    expect(got.chunkSizes).toEqual([15, 15, 14, 0])
  })

  it('tell a clean end from a FIN and an RST in the middle', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'
    await using upstream = await scriptedUpstream(({ target }) => {
      if (target === '/close') return answer({ framing: 'close', body: 'all' })
      return [head, { waitMs: 5 }, target === '/fin' ? 'FIN' : 'RST']
    })
    const end = async (target: string) => (await rawExchange(upstream.port, requestBytes('GET', target))).ended
    expect([await end('/close'), await end('/fin'), await end('/rst')]).toEqual(['clean', 'FIN', 'RST'])
  })

  it('keep a connection alive, and read HEAD, 204 and chunked uploads by their own rules', async () => {
    await using upstream = await scriptedUpstream(({ method, body }) =>
      method === 'HEAD'
        ? answer({ framing: 'none', headers: [['content-length', '99']] })
        : method === 'DELETE'
          ? answer({ status: 204, framing: 'none' })
          : json({ size: body.length }),
    )
    const connection = await rawConnect(upstream.port)
    expect((await connection.exchange(requestBytes('HEAD', '/'))).header('content-length')).toBe('99')
    expect((await connection.exchange(requestBytes('DELETE', '/'))).status).toBe(204)
    const chunked = requestBytes('POST', '/', [['transfer-encoding', 'chunked']])
    const got = await connection.exchange([
      chunked,
      '3\r\nabc\r',
      '\n4\r\nde',
      { waitMs: 5 },
      'fg\r\n0\r\nT: 1\r\n\r\n',
    ])
    expect(got.json).toEqual({ size: 7 })
    expect(upstream.requests[2]).toMatchObject({ framing: 'chunked', bodyText: 'abcdefg', trailers: [['T', '1']] })
    expect(upstream.connections).toHaveLength(1)
    connection.leave()
  })

  it('tell when and how a client left', async () => {
    const go = signal()
    await using upstream = await scriptedUpstream(() => ['HTTP/1.1 200 OK\r\n\r\n', 'a', { until: go.promise }])
    const leaving = await rawConnect(upstream.port)
    await leaving.send(requestBytes('GET', '/'))
    await leaving.bodyText('a')
    leaving.leave()
    const resetting = await rawConnect(upstream.port)
    await resetting.send(requestBytes('GET', '/'))
    await resetting.bodyBytes(1)
    resetting.reset()
    const ends = await Promise.all([0, 1].map(async (index) => (await upstream.request(index)).closed))
    expect(ends.map((end) => end.by)).toEqual(['FIN', 'RST'])
    go.give()
  })

  it('answer before the request is complete when asked to', async () => {
    await using upstream = await scriptedUpstream(() => json({ early: true }, 413), { answerAt: 'head' })
    const got = await rawExchange(upstream.port, requestBytes('POST', '/', [['content-length', '1000']], 'some'))
    expect(got.status).toBe(413)
    expect(upstream.requests[0]?.complete).toBe(false)
  })
})

describe('deadlines', () => {
  it('name what did not happen', async () => {
    await expect(within(5, 'the bus', new Promise(() => {}))).rejects.toThrow('waited 5 ms in vain for the bus')
    await expect(eventually('the bus', () => false, 5)).rejects.toThrow('waited 5 ms in vain for the bus')
  })

  it('hand over the value otherwise', async () => {
    let asked = 0
    expect(await within(1000, 'a value', Promise.resolve(7))).toBe(7)
    expect(await eventually('the third answer', () => (++asked === 3 ? asked : null))).toBe(3)
  })
})
