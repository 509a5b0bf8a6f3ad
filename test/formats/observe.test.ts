import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { provider as anthropic } from '../../providers/anthropic/provider.ts'
import { provider as google } from '../../providers/google/provider.ts'
import { provider as groq } from '../../providers/groq/provider.ts'
import { provider as ollama } from '../../providers/ollama/provider.ts'
import { provider as openai } from '../../providers/openai/provider.ts'
import { observe } from '../../src/formats/observe.ts'
import type { Observed } from '../../src/formats/observed.ts'
import { hintOf } from '../../src/lib/secret-scan.ts'
import type { Exchange } from '../../src/records/exchange.ts'
import type { Provider } from '../../src/records/provider.ts'
import { exchangeOf, type FormatSample } from '../contract/format-sample.ts'

interface Call {
  provider?: Provider | undefined
  method?: string
  path?: string
  requestType?: string
  requestCoding?: string
  body?: string | Uint8Array
  status?: number
  type?: string | null
  answer?: string | Uint8Array
  complete?: boolean
}

const pepper = 'pepper'
const chatBody = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
const chatAnswer = JSON.stringify({
  id: 'c',
  model: 'm-1',
  choices: [{ message: { content: 'Yo' }, finish_reason: 'stop' }],
})

function exchange(call: Call): Exchange {
  const type = call.type === undefined ? 'application/json' : call.type
  const sample: FormatSample = {
    name: '',
    provider: 'provider' in call ? call.provider : openai,
    request: {
      method: call.method ?? 'POST',
      path: call.path ?? '/v1/chat/completions',
      headers: [
        ['Content-Type', call.requestType ?? 'application/json'],
        ...(call.requestCoding ? [['Content-Encoding', call.requestCoding] as const] : []),
      ],
      body: call.body ?? chatBody,
    },
    response: {
      status: call.status ?? 200,
      headers: type === null ? [] : [['Content-Type', type]],
      pieces: call.answer === '' ? [] : [[5, call.answer ?? chatAnswer]],
      complete: call.complete ?? true,
    },
    expect: {},
  }
  return exchangeOf(sample)
}

const observed = (call: Call): Observed => observe(exchange(call), 'provider' in call ? call.provider : openai, pepper)
const errorOf = (call: Call): unknown => observed(call).decoded?.error

describe('what a call is', () => {
  it.each<[string, string, Provider | undefined, string, string | null]>([
    ['POST', '/v1/chat/completions?x=1', openai, 'chat', 'openai-chat'],
    ['POST', '/v1/completions', openai, 'completion', 'openai-completions'],
    ['POST', '/openai/v1/embeddings', groq, 'embeddings', 'openai-embeddings'],
    ['GET', '/v1/models/gpt-4.1', openai, 'models', null],
    ['HEAD', '/v1/models', openai, 'models', null],
    ['HEAD', '/', ollama, 'health', null],
    ['POST', '/api/pull', ollama, 'pull', 'ollama-progress'],
    ['POST', '/v1beta/models/gemini-2.5-pro:generateContent?key=x', google, 'chat', 'gemini-content'],
    ['POST', '/v1beta/tunedModels/sea:streamGenerateContent?alt=sse', google, 'chat', 'gemini-content-stream'],
    ['POST', '/v1/projects/p/locations/l/publishers/google/models/m:generateContent', google, 'chat', 'gemini-content'],
    ['POST', '/v1beta/models/m:countTokens', google, 'count_tokens', null],
    ['POST', '/v1beta/models/m:batchEmbedContents', google, 'embeddings', 'gemini-embeddings'],
    ['POST', '/v1beta/openai/chat/completions', google, 'chat', 'openai-chat'],
    ['POST', '/v1beta/interactions', google, 'chat', 'gemini-interactions'],
    ['GET', '/v1beta/interactions/v1_abc', google, 'other', null],
    ['GET', '/v1beta/models/gemini-2.5-pro', google, 'models', null],
    ['POST', '/v1beta/models/:generateContent', google, 'other', null],
    ['POST', '/v1beta/models/a/b:generateContent', google, 'other', null],
    ['POST', '/v1beta/models/imagen-4.0-generate-001:predict', google, 'images', 'gemini-predict'],
    ['POST', '/v1beta/models/m:generateContent/x', google, 'other', null],
    ['POST', '/v1/messages/count_tokens', anthropic, 'count_tokens', null],
    ['OPTIONS', '/v1/chat/completions', openai, 'preflight', null],
    ['GET', '/v1/chat/completions', openai, 'other', null],
    ['POST', '/v1/chat/completions', undefined, 'other', null],
    ['POST', '/v1/chat/completions/', openai, 'other', null],
  ])('%s %s', (method, path, provider, operation, format) => {
    expect(observed({ method, path, provider, body: '', answer: '' })).toMatchObject({
      operation,
      format,
      decoded: null,
    })
  })
})

describe('the request', () => {
  it('is JSON by its first byte, whatever its type says', () => {
    const seen = observed({ requestType: 'application/x-www-form-urlencoded', body: `\n ${chatBody}` })
    expect(seen.request).toMatchObject({ model: 'm', malformed: false, messages: [{ role: 'user', text: 'Hi' }] })
  })

  it.each([
    ['gzip', gzipSync(chatBody)],
    ['zstd', zstdCompressSync(chatBody)],
  ])('is read through %s', (requestCoding, body) => {
    expect(observed({ requestCoding, body }).request.model).toBe('m')
  })

  it.each(['{"model":', '"text"', 'model=m', ''])('is malformed as %j, and the answer is read all the same', (body) => {
    const seen = observed({ body })
    expect(seen.request).toMatchObject({ malformed: true, model: null })
    expect(seen.decoded?.choices[0]?.text).toBe('Yo')
  })

  it('tells its model on a path without a format too', () => {
    expect(observed({ path: '/v1/threads/runs', body: '{"model":"m","stream":true}' }).request).toMatchObject({
      model: 'm',
      stream: true,
      malformed: false,
    })
  })

  it('keeps every digit of a seed', () => {
    expect(observed({ body: '{"model":"m","seed": 9223372036854775807}' }).request.parameters.seed).toBe(
      '9223372036854775807',
    )
    expect(observed({ body: '{"model":"m","seed": 7}' }).request.parameters.seed).toBe(7)
  })

  it('gives its first and last fields when its middle is missing', () => {
    const given = exchange({})
    const head = Buffer.from('{"model":"big","messages":[{"role":"user","content":"aaa')
    const tail = Buffer.from('aaa"}],"stream":true}')
    const gapped: Exchange = {
      ...given,
      request: {
        pieces: [
          { offset: 0, atMs: 0, bytes: head },
          { offset: 50 << 20, atMs: 1, bytes: tail },
        ],
        size: (50 << 20) + tail.length,
        whole: false,
      },
    }
    const seen = observe(gapped, openai, pepper)
    expect(seen.request).toMatchObject({ model: 'big', malformed: false })
    expect(seen.notes.join()).toMatch(/too large to be read whole/)
  })

  it('in parts (multipart) is no malformed one, and nothing is read of it', () => {
    const body = '--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x--\r\n'
    const seen = observed({ requestType: 'Multipart/Form-Data; boundary=x', body })
    expect(seen.request).toMatchObject({ malformed: false, model: null })
  })

  it('that was not captured is no malformed one', () => {
    const given = exchange({})
    const seen = observe({ ...given, request: { pieces: [], size: 99, whole: false } }, openai, pepper)
    expect(seen.request).toMatchObject({ malformed: false, model: null })
  })
})

describe('how an answer is read', () => {
  const stream = 'data: {"choices":[{"index":0,"delta":{"content":"Yo"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

  it.each<[string, string | null, string, Observed['framing']]>([
    ['events', 'Text/Event-Stream; charset=utf-8', stream, 'sse'],
    ['events without a type', null, stream, 'sse'],
    ['events called plain text', 'text/plain', `: ping\n\n${stream}`, 'sse'],
    ['events called JSON', 'application/json', stream, 'sse'],
    ['JSON called events', 'text/event-stream', chatAnswer, 'json'],
    ['JSON without a type', null, `\n\n${chatAnswer}`, 'json'],
    ['JSON after many blank lines', 'application/json', `${'\n'.repeat(20_000)}${chatAnswer}`, 'json'],
    ['JSON with a byte order mark', 'application/json', `\ufeff${chatAnswer}`, 'json'],
    ['JSON on many lines', 'application/json', JSON.stringify(JSON.parse(chatAnswer), null, 2), 'json'],
    ['lines of JSON', 'application/x-ndjson', `${chatAnswer}\n`, 'ndjson'],
    ['lines of JSON called JSON', 'application/json', `${chatAnswer}\n{"choices":[]}\n`, 'ndjson'],
  ])('%s', (_name, type, answer, framing) => {
    const seen = observed({ type, answer })
    expect(seen).toMatchObject({ framing, readWhole: true, notes: [] })
    expect(seen.decoded).toMatchObject({ choices: [{ text: 'Yo' }], finishReason: 'stop' })
  })

  it.each<[string, string | null, string | Uint8Array, Observed['framing']]>([
    ['sound', 'audio/mpeg', Buffer.from('{"not":"json"}'), 'binary'],
    ['unknown bytes', 'application/octet-stream', Buffer.from([0, 1, 2, 250, 251]), 'binary'],
    ['a page', 'text/html', '<html>Bad gateway</html>', 'text'],
    ['plain words', 'text/plain', 'Ollama is running', 'text'],
    ['nothing', null, '', 'none'],
  ])('%s is only counted', (_name, type, answer, framing) => {
    const seen = observed({ type, answer })
    expect(seen).toMatchObject({ framing, readWhole: true, events: { events: 0, bad_events: 0 } })
    expect(seen.decoded?.choices ?? []).toEqual([])
  })

  it('JSON that does not end is a bad value, unless the message was cut', () => {
    expect(observed({ answer: chatAnswer.slice(0, 30) })).toMatchObject({
      framing: 'json',
      readWhole: false,
      notes: ['the answer is no JSON'],
      events: { bad_events: 1 },
      decoded: { choices: [], terminated: false },
    })
  })

  it('a cut answer is never whole', () => {
    expect(observed({ type: 'text/event-stream', answer: stream, complete: false }).readWhole).toBe(false)
    expect(observed({ answer: chatAnswer.slice(0, 30), complete: false })).toMatchObject({
      readWhole: false,
      notes: ['the answer ended before its JSON did'],
      events: { bad_events: 0 },
    })
  })

  it('an exchange whose process died is read as far as it came', () => {
    const seen = observe({ ...exchange({ type: 'text/event-stream', answer: stream }), close: null }, openai, pepper)
    expect(seen).toMatchObject({ readWhole: false, decoded: { choices: [{ text: 'Yo' }] } })
  })

  it('an exchange without an answer has nothing decoded', () => {
    expect(observe({ ...exchange({ answer: '' }), head: null }, openai, pepper)).toMatchObject({
      decoded: null,
      framing: 'none',
      readWhole: false,
      request: { model: 'm' },
    })
  })

  it('a very large list of vectors gives its model and counts', () => {
    const vectors = Array.from({ length: 400 }, (_, index) => ({ index, embedding: Array(700).fill(0.0123) }))
    const answer = JSON.stringify({
      object: 'list',
      data: vectors,
      model: 'e-1',
      usage: { prompt_tokens: 8, total_tokens: 8 },
    })
    expect(answer.length).toBeGreaterThan(1 << 20)
    const seen = observed({ path: '/v1/embeddings', body: '{"model":"e","input":"x"}', answer })
    expect(seen.decoded).toMatchObject({ model: 'e-1', usage: { input: 8 }, error: null, terminated: true })
    expect(seen.notes).toEqual(['the answer was read at its start and end only'])
  })
})

describe('errors', () => {
  const stated = { message: 'no', type: null, code: null }

  it.each<[string, string, object]>([
    ['OpenAI', '{"error":{"message":"no","type":"t","param":null,"code":"c"}}', { type: 't', code: 'c' }],
    ['a numeric code', '{"error":{"code":402,"message":"no"}}', { code: '402' }],
    ['Anthropic', '{"type":"error","error":{"type":"t","message":"no"}}', { type: 't' }],
    [
      'Google',
      '[{"error":{"code":429,"message":"no","status":"RESOURCE_EXHAUSTED"}}]',
      { type: 'RESOURCE_EXHAUSTED', code: '429' },
    ],
    ['Ollama', '{"error":"no"}', {}],
    ['xAI', '{"code":"c","error":"no"}', { code: 'c' }],
    ['flat', '{"object":"error","message":"no","type":"t","param":null,"code":7}', { type: 't', code: '7' }],
    ['FastAPI', '{"detail":"no"}', {}],
    ['FastAPI validation', '{"detail":[{"loc":["body"],"msg":"no","type":"missing"}]}', {}],
    ['a gateway', '{"message":"no"}', {}],
    ['plain text', 'no\n', {}],
  ])('of %s are read from a body of status 400', (_name, answer, more) => {
    expect(errorOf({ status: 400, answer })).toEqual({ ...stated, ...more })
    expect(errorOf({ status: 502, answer, provider: undefined })).toEqual({ ...stated, ...more })
  })

  it('of a page are its first 200 characters', () => {
    const answer = `<html>${'x'.repeat(900)}`
    expect(errorOf({ status: 502, type: 'text/html', answer })).toMatchObject({ message: answer.slice(0, 200) })
  })

  it('of an empty body are nothing', () => {
    expect(observed({ status: 403, answer: '' }).decoded).toBeNull()
  })

  it('of a compressed body are read', () => {
    const given = exchange({ status: 429, answer: gzipSync('{"error":{"message":"slow down"}}') })
    const seen = observe({ ...given, head: { ...given.head!, contentEncoding: 'gzip' } }, openai, pepper)
    expect(seen.decoded?.error?.message).toBe('slow down')
  })

  it('stand in a 200 answer to a streaming request, too', () => {
    expect(errorOf({ answer: '{"code":"c","error":"down"}' })).toMatchObject({ message: 'down' })
  })

  it('in a stream do not end the reading', () => {
    const answer =
      'data: {"choices":[{"index":0,"delta":{"content":"Yo"}}]}\n\ndata: {"error":{"message":"no","code":400}}\n\ndata: [DONE]\n\n'
    expect(observed({ type: 'text/event-stream', answer }).decoded).toMatchObject({
      error: { message: 'no', code: '400' },
      choices: [{ text: 'Yo' }],
      terminated: true,
    })
  })

  it.each([
    'event: error\ndata: {"message":"no"}\n\n',
    'event: error\ndata: no\n\n',
    'data: {"type":"error","code":null,"message":"no","sequence_number":3}\n\n',
    'data: {"object":"error","message":"no"}\n\n',
    'data: {"type":"response.failed","response":{"error":{"message":"no"}}}\n\n',
  ])('are found in the event %j', (event) => {
    const seen = observed({ type: 'text/event-stream', answer: `${event}data: [DONE]\n\n` })
    expect(seen).toMatchObject({ decoded: { error: { message: 'no' } }, events: { bad_events: 0 } })
  })

  it.each([
    ['on one line', '{"error":{"message":"no","code":503}}'],
    ['on several, in a list', '[{\n  "error": {\n    "message": "no"\n  }\n}\n]\n'],
    ['behind white space', '\n\n{"error":"no"}\n\n'],
  ])('that stand bare at the end of a stream are found %s', (_how, bare) => {
    for (const end of ['\n\n', '\r\n\r\n']) {
      const answer = `data: {"choices":[{"index":0,"delta":{"content":"Yo"}}]}${end}${bare}`
      expect(observed({ type: 'text/event-stream', answer }).decoded).toMatchObject({
        error: { message: 'no' },
        choices: [{ text: 'Yo' }],
      })
    }
  })

  it.each([
    '{"error":{"message":"to',
    '{"text":"no error"}',
    '{"error":{"message":"no"}}\n\ndata: {"choices":[]}\n\n',
    'data: x\ndata: {"error":{"message":"no"}',
  ])('are not seen in the bare text %j', (bare) => {
    const answer = `data: {"choices":[{"index":0,"delta":{"content":"Yo"}}]}\n\n${bare}`
    expect(observed({ type: 'text/event-stream', answer }).decoded?.error).toBeNull()
  })

  it('in a list that answers a request for a stream are found, wherever in the list', () => {
    const body = JSON.stringify({ model: 'm', stream: true })
    for (const answer of ['[{"error":{"message":"no"}}]', '[{"choices":[]}\n,\n{"error":{"message":"no"}}\n]'])
      expect(observed({ body, answer })).toMatchObject({ framing: 'json-array', decoded: { error: { message: 'no' } } })
    expect(observed({ answer: '[{"error":{"message":"no"}}]' })).toMatchObject({
      framing: 'json',
      decoded: { error: { message: 'no' } },
    })
  })

  it('that are null are none', () => {
    expect(errorOf({ answer: '{"error":null,"choices":[]}' })).toBeNull()
  })

  it('that Ollama hides at /v1 show in the missing end', () => {
    const answer = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    const call = { provider: ollama, type: 'text/event-stream', answer }
    expect(errorOf(call)).toMatchObject({ type: 'hidden' })
    expect(errorOf({ ...call, complete: false })).toBeNull()
    expect(errorOf({ ...call, provider: openai })).toBeNull()
    expect(errorOf({ ...call, answer: `${answer}data: [DONE]\n\n` })).toBeNull()
  })
})

describe("the call's own secret", () => {
  const secret = 'sk-canary-0123456789'
  const withHint = (given: Exchange, coding: string | null): Exchange => ({
    ...given,
    open: { ...given.open, secretHints: [hintOf(Buffer.from(secret), pepper)] },
    head: given.head && { ...given.head, contentEncoding: coding },
  })

  it('is found in compressed bodies', () => {
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: `my key is ${secret}` }] })
    const given = withHint(
      exchange({ requestCoding: 'gzip', body: gzipSync(body), answer: gzipSync(chatAnswer) }),
      'gzip',
    )
    expect(observe(given, openai, pepper)).toMatchObject({ requestHoldsSecret: true, responseHoldsSecret: false })
    const back = withHint(exchange({ answer: gzipSync(body) }), 'gzip')
    expect(observe(back, openai, pepper)).toMatchObject({ requestHoldsSecret: false, responseHoldsSecret: true })
  })

  it('is assumed in compressed bytes that nobody could look into', () => {
    expect(observe(withHint(exchange({}), 'compress'), openai, pepper).responseHoldsSecret).toBe(true)
    expect(observe(withHint(exchange({}), null), openai, pepper).responseHoldsSecret).toBe(false)
  })
})

describe('why an answer is not what was promised', () => {
  const streamed = JSON.stringify({ model: 'm', stream: true, messages: [] })
  const events = 'data: {"choices":[{"index":0,"delta":{"content":"Yo"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
  const asEvents = { type: 'text/event-stream', answer: events }

  it('is nothing where it is', () => {
    expect(observed({}).parseNote).toBeNull()
    expect(observed({ body: streamed, ...asEvents }).parseNote).toBeNull()
  })

  it('says nothing of calls that are none of a model, and of answers that say themselves that they failed', () => {
    expect(
      observed({ method: 'GET', path: '/v1/models', body: '', type: 'text/html', answer: '<p>' }).parseNote,
    ).toBeNull()
    expect(observed({ status: 502, type: 'text/html', answer: '<html>Bad gateway</html>' }).parseNote).toBeNull()
    expect(observed({ body: streamed, status: 400, answer: '{"error":{"message":"no"}}' }).parseNote).toBeNull()
  })

  it('claims nothing about a stream where the request was not read whole', () => {
    expect(observed(asEvents).parseNote).toBe('a stream came where one JSON value was asked for')
    expect(observed({ ...asEvents, body: '{"model":' }).parseNote).toBeNull()
    const unread = { ...exchange(asEvents), request: { pieces: [], size: 99, whole: false } }
    expect(observe(unread, openai, pepper).parseNote).toBeNull()
  })

  it('tells of every reason there is', () => {
    const seen = observed({ body: streamed, type: 'text/plain', answer: `${events.slice(0, -14)}data: {"broken\n\n` })
    expect(seen.parseNote).toBe(
      "1 events were no JSON; events came under the type text/plain; the stream ended without its format's own end",
    )
  })

  it('is bounded', () => {
    const type = `text/${'x'.repeat(3000)}`
    expect(observed({ type }).parseNote!.length).toBeLessThan(500)
  })
})

describe('whatever the bytes are', () => {
  const providers = [openai, groq, ollama, anthropic, undefined]
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(`data: ${text}\n\n`)),
    fc.string().map((text) => Buffer.from(text)),
  )
  const paths = providers.flatMap((provider) => provider?.routes.map((route) => route.path) ?? ['/'])

  it('nothing throws, and counts are counts', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...providers),
        fc.constantFrom(...paths),
        fc.constantFrom('GET', 'POST', 'PATCH'),
        fc.constantFrom(200, 204, 400, 529),
        fc.constantFrom(null, 'application/json', 'text/event-stream', 'application/x-ndjson', 'text/html', '??'),
        fc.constantFrom('gzip', 'deflate', 'br', 'zstd', 'identity', 'x', ''),
        bytes,
        bytes,
        (provider, path, method, status, type, coding, body, answer) => {
          const given = exchange({ provider, path, method, status, type, requestCoding: coding, body, answer })
          const seen = observe({ ...given, head: { ...given.head!, contentEncoding: coding } }, provider, pepper)
          expect(seen.notes.join()).not.toMatch(/could not be decoded|could not read it/)
          expect(seen.events.bad_events).toBeLessThanOrEqual(Math.max(1, seen.events.events))
        },
      ),
      { numRuns: 1500 },
    )
  })
})

it('reads a bounded number of messages of a body that holds a flood of empty ones, and says so', () => {
  const flood = observed({ body: `{"model":"m","messages":[${'[],'.repeat(999_999)}[]]}` })
  expect(flood.request.messages).toHaveLength(10_000)
  expect(flood.notes).toContain('request: only the first 10000 of the 1000000 items of "messages" were read')
})

it('reads token ids as one input, however many they are', () => {
  const ids = observed({ path: '/v1/embeddings', body: `{"model":"m","input":[${'1,'.repeat(19_999)}1]}` })
  expect(ids.request.messages.map(({ text }) => text)).toEqual(['[20000 token ids]'])
})

it.each([
  ['\\u0073k-canary/canary', 'a letter'],
  ['sk-canary\\/canary', 'a slash'],
])('knows the call’s own key again where JSON escapes it: %s', (text) => {
  const call = exchange({
    body: `{"model":"m","messages":[{"role":"user","content":"my ${text}"}]}`,
    answer: `{"error":{"message":"bad key ${text}"}}`,
  })
  const secretHints = [hintOf(Buffer.from('sk-canary/canary'), pepper)]
  const seen = observe({ ...call, open: { ...call.open, secretHints } }, openai, pepper)
  expect(seen).toMatchObject({ requestHoldsSecret: true, responseHoldsSecret: true })
  expect(JSON.stringify(seen)).not.toContain('canary')
})
