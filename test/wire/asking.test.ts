import { createHash } from 'node:crypto'
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Deflater } from '../../src/lib/deflater.ts'
import { answer, chunk, json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { type RawAnswer, rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import {
  type ReceivedRequest,
  type Script,
  type ScriptedUpstream,
  scriptedUpstream,
} from '../support/scripted-upstream.ts'
import { eventually, signal, within } from '../support/within.ts'

/** A provider that sends its usage only when it is asked, and then puts `usage: null` into every other chunk. */
const event = (rest: object): string =>
  `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'gpt-4o-mini', ...rest })}\n\n`
const choice = (delta: object, finish: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
})
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 }
const said = [
  choice({ role: 'assistant', content: '' }),
  choice({ content: 'Grüße' }),
  choice({ content: ' "usage":null' }),
  choice({}, 'stop'),
]
const unasked = [...said.map(event), 'data: [DONE]\n\n']
const asked = [
  ...said.map((part) => event({ ...part, usage: null })),
  event({ choices: [], usage }),
  'data: [DONE]\n\n',
]
const asksUsage = (request: ReceivedRequest): boolean =>
  (request.json as { stream_options?: { include_usage?: boolean } }).stream_options?.include_usage === true
const eventsFor = (request: ReceivedRequest): string[] => (asksUsage(request) ? asked : unasked)

const stream = [['content-type', 'text/event-stream']] as const
const text = (bytes: Uint8Array | string): Buffer => Buffer.from(bytes)

const question =
  '{"model":"gpt-4o-mini", "stream":true,"messages":[{"role":"user","content":"gr\\u00fc\\u00df \\"stream\\":false"}]}'
const questionAsked = `${question.slice(0, -1)},"stream_options":{"include_usage":true}}`
const ask = (
  body: string | Buffer = question,
  headers: readonly (readonly [string, string])[] = [],
  path = '/v1/chat/completions',
): Buffer => requestBytes('POST', path, [['content-type', 'application/json'], ...headers], body)

let upstream: ScriptedUpstream
let proxy: TestProxy
let script: (request: ReceivedRequest) => Script

beforeAll(async () => {
  upstream = await scriptedUpstream((request) => script(request))
  const url = upstream.url
  proxy = await startProxy({
    upstreams: {
      openai: upstream.port,
      groq: { provider: 'groq', url, includeUsage: true },
      ollama: { provider: 'ollama', url, includeUsage: true },
      'ollama-b': { provider: 'ollama', url },
      'ollama-c': { provider: 'ollama', url, includeUsage: false },
      vllm: { provider: 'vllm', url, includeUsage: true },
    },
    projects: { counted: { includeUsage: true }, private: { includeUsage: false } },
  })
})

beforeEach(() => {
  script = (request) =>
    answer({ headers: stream, framing: 'chunked', pieces: eventsFor(request).map((piece) => [0, piece]) })
})

afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
  expect(upstream.failures).toEqual([])
})

const counted = [['x-project-id', 'counted']] as const
const received = (): ReceivedRequest => upstream.requests.at(-1)!

/** What the client is to get: what this upstream answers when it is not asked. */
const direct = (request: Buffer = ask()): Promise<RawAnswer> => rawExchange(upstream.port, request)

const withoutFraming = (all: RawAnswer): string =>
  all.headWithout('x-sightglass-id', 'connection', 'keep-alive', 'transfer-encoding', 'content-length')

async function expectAsked(all: RawAnswer): Promise<void> {
  const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata).toMatchObject({
    outcome: 'ok',
    token_source: 'reported',
    prompt_tokens: 9,
    completion_tokens: 4,
    usage_asked: true,
    notes: [],
  })
  expect(run.completion).toBe('Grüße "usage":null')
  expect(run.parameters.include_usage).toBeNull()
}

describe('with asking off', () => {
  it('the request goes up and the answer comes down byte for byte, and the tokens are estimated', async () => {
    const expected = await direct()
    const all = await rawExchange(proxy.port, ask())
    expect(received().bodyText).toBe(question)
    expect(all.body.equals(expected.body)).toBe(true)
    expect(all.chunkSizes).toEqual(expected.chunkSizes)
    expect(withoutFraming(all)).toBe(withoutFraming(expected))
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata).toMatchObject({ token_source: 'estimated', usage_asked: false, withheld_bytes: 0 })
  })

  it('a client that asks itself gets what it asked for', async () => {
    const own = ask(questionAsked)
    const all = await rawExchange(proxy.port, own)
    expect(all.body.equals((await direct(own)).body)).toBe(true)
    expect(all.bodyText).toContain('"prompt_tokens":9')
  })
})

describe('with asking on', () => {
  it('the upstream is asked, the client gets the bytes of a stream that was not, and the record has both (C7)', async () => {
    const expected = await direct()
    const all = await rawExchange(proxy.port, ask(question, counted))
    expect(received().bodyText).toBe(questionAsked)
    expect(received().header('content-length')).toBe(String(questionAsked.length))
    expect(received().header('transfer-encoding')).toBeNull()
    expect(all.body.equals(expected.body)).toBe(true)
    expect(withoutFraming(all)).toBe(withoutFraming(expected))
    expect(all).toMatchObject({ ended: 'clean', framing: 'chunked' })
    await expectAsked(all)

    const id = all.header('x-sightglass-id')!
    const { telemetry } = await proxy.record(id)
    expect(telemetry.metadata).toMatchObject({
      request_size: question.length,
      request_sha256: createHash('sha256').update(question).digest('hex'),
      response_size: Buffer.byteLength(asked.join('')),
      response_sha256: createHash('sha256').update(asked.join('')).digest('hex'),
      withheld_bytes: Buffer.byteLength(asked.join('')) - all.body.length,
    })
    const kept = async (side: 'request' | 'response') =>
      Buffer.from((await proxy.store.body(null, id, side))!.bytes).toString()
    expect(await kept('request')).toBe(question)
    expect(await kept('response')).toBe(asked.join(''))
  })

  it.each([
    ['a project in the path', '/p/counted/v1/chat/completions', []],
    ['a project in other letters', '/v1/chat/completions', [['x-project-id', 'Counted']]],
    ['a provider', '/ollama/v1/chat/completions', []],
    ['another upstream of that provider', '/ollama-b/v1/chat/completions', []],
    ['completions', '/ollama/v1/completions', []],
    ['an upstream whose options ask', '/vllm/v1/chat/completions?x=1', []],
    ['a project, whatever the upstream says', '/p/counted/ollama-c/v1/chat/completions', []],
  ] as const)('for %s', async (_what, path, headers) => {
    const all = await rawExchange(proxy.port, ask(question, headers, path))
    expect(received().bodyText).toBe(questionAsked)
    expect(all.bodyText).toBe(unasked.join(''))
  })

  it.each([
    ['another project', '/v1/chat/completions', [['x-project-id', 'shop']]],
    ['a project that does not want it', '/p/private/ollama/v1/chat/completions', []],
    ['an upstream that does not want it', '/ollama-c/v1/chat/completions', []],
    ['a provider that tells it unasked', '/groq/v1/chat/completions', []],
    ['another format', '/p/counted/v1/embeddings', []],
    ['a path of no format', '/p/counted/v1/responses', []],
  ] as const)('not for %s', async (_what, path, headers) => {
    const all = await rawExchange(proxy.port, ask(question, headers, path))
    expect(received().bodyText).toBe(question)
    expect(all.bodyText).toBe(unasked.join(''))
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata).toMatchObject({ usage_asked: false, notes: [] })
  })

  it('not for a client that says itself what it wants, and it gets that', async () => {
    for (const wish of ['true', 'false', 'null']) {
      const own = `${question.slice(0, -1)},"stream_options":{"include_usage":${wish}}}`
      const all = await rawExchange(proxy.port, ask(own, counted))
      expect(received().bodyText).toBe(own)
      expect(all.bodyText).toBe((wish === 'true' ? asked : unasked).join(''))
    }
  })

  it('not for an upstream to which the client says other stream options, where these alone ask', async () => {
    const own = `${question.slice(0, -1)},"stream_options":{"continuous_usage_stats":true}}`
    await rawExchange(proxy.port, ask(own, [], '/vllm/v1/chat/completions'))
    expect(received().bodyText).toBe(own)
    await rawExchange(proxy.port, ask(own, [], '/ollama/v1/chat/completions'))
    expect(asksUsage(received())).toBe(true)
  })

  it('an answer that is no stream passes as it is', async () => {
    script = () => json({ choices: [], usage }, 200)
    for (const body of ['{"model":"m"}', question]) {
      const all = await rawExchange(proxy.port, ask(body, counted))
      expect(all.bodyText).toBe(JSON.stringify({ choices: [], usage }))
      expect(all.header('content-length')).toBe(String(all.body.length))
    }
    script = () => json({ error: { message: 'no', type: 'x' } }, 400)
    const all = await rawExchange(proxy.port, ask(question, counted))
    expect(all.status).toBe(400)
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata).toMatchObject({ usage_asked: true, withheld_bytes: 0, outcome: 'upstream_error_http' })
  })
})

describe('however the stream is cut into pieces, the client gets the same bytes', () => {
  const whole = text(asked.join(''))
  const given = async (pieces: readonly Buffer[], framing: 'chunked' | 'close' | 'length'): Promise<RawAnswer> => {
    script = () => answer({ headers: stream, framing, pieces: pieces.map((piece) => [0, piece]) })
    return rawExchange(proxy.port, ask(question, counted))
  }

  it('byte by byte', async () => {
    script = async function* () {
      yield 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
      for (let at = 0; at < whole.length; at++) {
        yield chunk(whole.subarray(at, at + 1))
        if (at % 40 === 0) yield { waitMs: 1 }
      }
      yield '0\r\n\r\n'
    }
    const all = await rawExchange(proxy.port, ask(question, counted))
    expect(all.bodyText).toBe(unasked.join(''))
    await expectAsked(all)
  })

  it('in two at every place', async () => {
    for (let at = 1; at < whole.length; at++) {
      const all = await given([whole.subarray(0, at), whole.subarray(at)], 'chunked')
      expect(all.bodyText).toBe(unasked.join(''))
      expect(all.ended).toBe('clean')
    }
  }, 60_000)

  it('ended by the connection', async () => {
    const all = await given([whole], 'close')
    expect(all).toMatchObject({ bodyText: unasked.join(''), ended: 'clean', framing: 'close' })
    await expectAsked(all)
  })

  it('with a length, which becomes chunks since the length is another', async () => {
    const all = await given([whole], 'length')
    expect(all).toMatchObject({ bodyText: unasked.join(''), ended: 'clean', framing: 'chunked' })
    expect(all.header('content-length')).toBeNull()
    await expectAsked(all)
  })

  it.each(['chunked', 'close', 'length'] as const)('to a client of HTTP/1.0, from %s', async (framing) => {
    script = () => answer({ headers: stream, framing, pieces: [[0, whole]] })
    const old = Buffer.from(ask(question, counted).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1')
    const all = await rawExchange(proxy.port, old)
    expect(all).toMatchObject({ bodyText: unasked.join(''), ended: 'clean', framing: 'close' })
    expect(all.header('transfer-encoding')).toBeNull()
    await expectAsked(all)
  })

  it('with trailers', async () => {
    script = () =>
      answer({
        headers: [...stream, ['trailer', 'x-sum']],
        framing: 'chunked',
        pieces: [[0, whole]],
        trailers: [['X-Sum', '1']],
      })
    const all = await rawExchange(proxy.port, ask(question, counted))
    expect(all.trailers).toEqual([['X-Sum', '1']])
    expect(all.bodyText).toBe(unasked.join(''))
  })
})

describe('a compressed stream', () => {
  it.each([
    ['gzip', gzipSync, gunzipSync],
    ['br', brotliCompressSync, brotliDecompressSync],
  ] as const)(
    'in %s reaches the client in the coding it came in, without what asking added',
    async (coding, pack, unpack) => {
      script = (request) => {
        const packed = pack(eventsFor(request).join(''))
        const middle = packed.length >> 1
        return answer({
          headers: [...stream, ['content-encoding', coding]],
          framing: 'chunked',
          pieces: [packed.subarray(0, middle), packed.subarray(middle)].map((piece) => [0, piece]),
        })
      }
      const all = await rawExchange(proxy.port, ask(question, [...counted, ['accept-encoding', 'gzip, br']]))
      expect(received().header('accept-encoding')).toBe('gzip, br')
      expect(all.header('content-encoding')).toBe(coding)
      expect(unpack(all.body).toString()).toBe(unasked.join(''))
      await expectAsked(all)
    },
  )

  it('in a coding that nobody here reads passes as it came, and the record says so', async () => {
    const body = text('whatever this is')
    script = () =>
      answer({ headers: [...stream, ['content-encoding', 'x-secret']], framing: 'chunked', pieces: [[0, body]] })
    const all = await rawExchange(proxy.port, ask(question, counted))
    expect(all.body.equals(body)).toBe(true)
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata.notes).toContainEqual(expect.stringContaining('its coding is x-secret'))
  })

  it('that breaks off in an error looks cut', async () => {
    const packing = new Deflater('gzip', gzipSync(''))
    const good = packing.write(text(unasked[0]!))
    script = () =>
      answer({
        headers: [...stream, ['content-encoding', 'gzip']],
        framing: 'chunked',
        pieces: [
          [0, good],
          [20, Buffer.alloc(3000, 0xff)],
        ],
      })
    const all = await rawExchange(proxy.port, ask(question, counted))
    packing.close()
    expect(all.ended).not.toBe('clean')
    expect(gunzipSync(all.body, { finishFlush: constants.Z_SYNC_FLUSH }).toString()).toBe(unasked[0])
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata).toMatchObject({ outcome: 'upstream_cut', error_code: 'upstream_coding' })
  })
})

describe('requests that cannot be asked go on as they came, and their records say why', () => {
  const long = JSON.stringify({ stream: true, pad: 'x'.repeat(4 << 20) })
  it.each([
    ['longer than 4 MiB', text(long), [], 'longer than 4 MiB'],
    ['compressed', gzipSync(question), [['content-encoding', 'gzip']], 'compressed'],
    ['no JSON', text('hello'), [], 'no JSON'],
    ['signed', text(question), [['content-digest', 'sha-256=:x:']], 'digest or a signature'],
    [
      'signed for AWS',
      text(question),
      [['authorization', 'AWS4-HMAC-SHA256 Credential=a/b, Signature=c']],
      'digest or a signature',
    ],
    ['with options that are none', text('{"stream":true,"stream_options":7}'), [], 'no object'],
  ] as const)('%s', async (_what, body, headers, why) => {
    script = () => answer({ headers: stream, framing: 'chunked', pieces: [[0, asked.join('')]] })
    const all = await rawExchange(proxy.port, ask(body, [...counted, ...headers]))
    expect(received().body.equals(body)).toBe(true)
    expect(all.bodyText).toBe(asked.join(''))
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata.usage_asked).toBe(false)
    expect(telemetry.metadata.notes).toContainEqual(expect.stringContaining(why))
  })

  const chunked = async (body: string, size: number): Promise<RawAnswer> => {
    const head = ask('', [...counted, ['transfer-encoding', 'chunked']])
    const pieces = Array.from({ length: Math.ceil(body.length / size) }, (_, place) =>
      chunk(body.slice(place * size, (place + 1) * size)),
    )
    return rawExchange(proxy.port, [head, ...pieces.flatMap((piece) => [piece]), '0\r\n\r\n'])
  }

  it('a request in chunks is asked once it is complete', async () => {
    const all = await chunked(question, 13)
    expect(received().bodyText).toBe(questionAsked)
    expect(received().framing).toBe('length')
    expect(all.bodyText).toBe(unasked.join(''))
    await expectAsked(all)
  })

  it('a request in chunks that turns out longer than 4 MiB goes on in chunks', async () => {
    const all = await chunked(long, 600_000)
    expect(received().body.equals(text(long))).toBe(true)
    expect(received().framing).toBe('chunked')
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata.notes).toContainEqual(expect.stringContaining('longer than 4 MiB'))
  })

  it('a request of 4 MiB is asked', async () => {
    const short = JSON.stringify({ stream: true, pad: '' })
    const body = JSON.stringify({ stream: true, pad: 'x'.repeat((4 << 20) - short.length) })
    const all = await rawExchange(proxy.port, ask(body, counted))
    expect(received().bodyText).toBe(`${body.slice(0, -1)},"stream_options":{"include_usage":true}}`)
    expect(all.bodyText).toBe(unasked.join(''))
  })
})

/** What is left of a beginning of the asked stream: whole members that say nothing go, and a usage chunk once its usage has begun. */
function cutUnasked(bytes: Buffer): string {
  const events = bytes
    .toString()
    .replaceAll(',"usage":null', '')
    .split(/(?<=\n\n)/)
  return events.filter((one) => !one.includes('"choices":[],"usage":{')).join('')
}

describe('as without asking', () => {
  it('text reaches the client while the rest of its event is on its way', async () => {
    const more = signal()
    const first = 'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"soo'
    script = () => [
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
      chunk(first),
      { until: more.promise },
      chunk('n"}}],"usage":null}\n\n'),
      '0\r\n\r\n',
    ]
    const client = await rawConnect(proxy.port)
    await client.send(ask(question, counted))
    await client.bodyText('soo')
    more.give()
    expect((await client.answered()).bodyText).toBe(`${first}n"}}]}\n\n`)
  })

  it('a stream that is cut looks cut, with every byte that came but those of the usage, by FIN and by RST', async () => {
    const whole = text(asked.join(''))
    const places = [
      0,
      1,
      100,
      whole.indexOf('"usage":null'),
      whole.indexOf('"choices":[],"u') + 16,
      whole.length - 20,
      whole.length,
    ]
    for (const how of ['FIN', 'RST'] as const)
      for (const framing of ['chunked', 'close'] as const)
        for (const at of places) {
          if (framing === 'close' && how === 'FIN') continue
          const sent = signal()
          script = () => [
            `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : ''}\r\n`,
            at === 0 ? '' : framing === 'chunked' ? chunk(whole.subarray(0, at)) : whole.subarray(0, at),
            { until: sent.promise },
            how,
          ]
          const client = await rawConnect(proxy.port)
          await client.send(ask(question, counted))
          await client.head()
          sent.give()
          const all = await client.answered()
          expect(all.ended).not.toBe('clean')
          const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
          expect(telemetry.metadata).toMatchObject({ outcome: 'upstream_cut', end_by: 'upstream', usage_asked: true })
          expect(telemetry.metadata.withheld_bytes).toBe(telemetry.metadata.response_size - all.body.length)
          expect(all.bodyText).toBe(cutUnasked(whole.subarray(0, at)))
        }
  })

  it('a client that leaves ends the call at the upstream, and the record says who left', async () => {
    script = () => [
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
      chunk(asked.slice(0, 2).join('')),
      { until: signal().promise },
    ]
    const client = await rawConnect(proxy.port)
    await client.send(ask(question, counted))
    await client.bodyText('Grüße')
    const id = (await client.head()).header('x-sightglass-id')
    client.leave()
    await within(1000, 'the upstream to be left', received().closed)
    const { telemetry } = await proxy.record(id)
    expect(telemetry.metadata).toMatchObject({ outcome: 'client_cut', end_by: 'client', usage_asked: true })
  })

  it('a client that leaves while it still sends its request never reaches the upstream, and has a record', async () => {
    await using own = await startProxy({
      upstreams: { openai: { provider: 'openai', url: upstream.url, includeUsage: true } },
    })
    const before = upstream.requests.length
    const client = await rawConnect(own.port)
    await client.send(ask().subarray(0, -10))
    client.leave()
    await within(5000, 'the connection to end', client.answered())
    const [record, ...more] = await own.records()
    expect(more).toEqual([])
    expect(record!.telemetry.metadata).toMatchObject({
      outcome: 'client_cut',
      end_phase: 'request',
      usage_asked: false,
    })
    expect(record!.telemetry.metadata.notes.join()).not.toContain('usage')
    expect(upstream.requests.length).toBe(before)
  })

  it('a reader that is slow holds back the upstream, and gets every byte', async () => {
    const line = event(choice({ content: 'x'.repeat(60_000) }))
    const withNull = event({ ...choice({ content: 'x'.repeat(60_000) }), usage: null })
    const count = 600
    let written = 0
    script = async function* () {
      yield 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
      for (; written < count; written++) yield chunk(withNull)
      yield chunk(asked.at(-2)!)
      yield '0\r\n\r\n'
    }
    const client = await rawConnect(proxy.port)
    await client.send(ask(question, counted))
    await client.head()
    client.socket.pause()
    let before = -1
    await eventually(
      'the upstream to be held back',
      () => {
        const still = written === before
        before = written
        return still
      },
      10_000,
      300,
    )
    expect(written).toBeLessThan(count)
    client.socket.resume()
    const all = await client.answered(20_000)
    expect(all.body.equals(text(line.repeat(count)))).toBe(true)
  }, 40_000)

  it('a kept connection carries one call after the other', async () => {
    const client = await rawConnect(proxy.port)
    for (const headers of [counted, [], counted]) {
      const all = await client.exchange(ask(question, headers))
      expect(all.bodyText).toBe(unasked.join(''))
    }
    client.socket.destroy()
  })

  it('200 streams at once are kept apart', async () => {
    script = (request) => {
      const word = /"word-\d+"/.exec(request.bodyText)![0]
      const own = asked.map((piece) => piece.replace('"Grüße"', word))
      return answer({ headers: stream, framing: 'chunked', pieces: own.map((piece, place) => [place, piece]) })
    }
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, number) =>
        rawExchange(proxy.port, ask(`{"stream":true,"messages":["word-${number}"]}`, counted), { deadlineMs: 20_000 }),
      ),
    )
    for (const [number, { bodyText }] of all.entries())
      expect(bodyText).toBe(unasked.join('').replace('"Grüße"', `"word-${number}"`))
  }, 30_000)
})
