import { describe, expect, it } from 'vitest'
import { provider as azure } from '../../providers/azure/provider.ts'
import { provider as openai } from '../../providers/openai/provider.ts'
import { findRoute } from '../../src/formats/find-route.ts'
import { formats } from '../../src/formats/index.ts'
import { observe } from '../../src/formats/observe.ts'
import type { Observed } from '../../src/formats/observed.ts'
import { exchangeOf } from '../contract/format-sample.ts'

interface Call {
  path: string
  body?: object
  type?: string
  status?: number
  pieces: readonly (readonly [ms: number, bytes: string | Uint8Array])[]
}

const observed = ({ path, body, type, status, pieces }: Call): Observed =>
  observe(
    exchangeOf({
      name: path,
      provider: openai,
      request: {
        method: 'POST',
        path,
        headers: [['content-type', 'application/json']],
        body: body ? JSON.stringify(body) : '',
      },
      response: { status: status ?? 200, headers: [['Content-Type', type ?? 'application/json']], pieces },
      expect: {},
    }),
    openai,
    'pepper',
  )

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

describe('an image', () => {
  it('of many megabytes in one event is read, and none of it gets into the record', () => {
    const data = 'A'.repeat(8 << 20)
    const seen = observed({
      path: '/v1/images/generations',
      body: { model: 'gpt-image-1', prompt: 'Sea', stream: true },
      type: 'text/event-stream',
      pieces: [
        [5, event({ type: 'image_generation.partial_image', b64_json: data })],
        [9, event({ type: 'image_generation.completed', b64_json: data, size: '1x1', quality: 'low' })],
      ],
    })
    expect(seen.events).toMatchObject({ events: 2, content_events: 2, bad_events: 0 })
    expect(seen.decoded).toMatchObject({
      firstContentAtMs: 1005,
      imageKind: { size: '1x1', quality: 'low' },
      choices: [{ parts: ['[image 6.3 MB]'], text: '' }],
    })
    expect(JSON.stringify(seen).length).toBeLessThan(10_000)
  })

  it('given in JSON is told by its size or as a link', () => {
    const seen = observed({
      path: '/v1/images/edits',
      body: {
        model: 'gpt-image-1',
        prompt: 'Boat',
        images: [{ image_url: 'https://x.test/a.png' }, { image_url: 'data:image/png;base64,AAAA' }, { file_id: 'f' }],
      },
      pieces: [[1, '{"created":1,"data":[]}']],
    })
    expect(seen.request.messages[0]?.text).toBe('Boat\n[image link]\n[image 3 B]\n[image]')
    expect(seen.decoded?.usage).toBeNull()
  })
})

describe('a transcript', () => {
  const path = '/v1/audio/transcriptions'

  it.each([
    ['text/plain', '{laughs} Hello', '{laughs} Hello'],
    ['text/plain', '[music]', '[music]'],
    ['text/plain; charset=utf-8', '{"text":"Hello"}', 'Hello'],
    ['text/vtt', 'WEBVTT\n\n00:00.000 --> 00:01.000\nHello', 'WEBVTT\n\n00:00.000 --> 00:01.000\nHello'],
    ['application/json', '{"text":"","segments":[{"text":"Hel"},{"text":"lo"}]}', 'Hello'],
  ])('of type %s is %j', (type, answer, text) => {
    const seen = observed({ path, type, pieces: [[3, answer]] })
    expect(seen.decoded?.choices[0]?.text).toBe(text)
    expect([seen.readWhole, seen.events.bad_events, seen.decoded?.terminated]).toEqual([true, 0, true])
  })

  it('is not what a failed call says', () => {
    const seen = observed({ path, type: 'text/plain', status: 502, pieces: [[3, 'bad gateway']] })
    expect(seen.decoded).toMatchObject({ choices: [], error: { message: 'bad gateway' } })
  })

  it('may come in the chunks of a chat', () => {
    const chunk = (content: string, finish: string | null = null): string =>
      event({
        id: 't',
        object: 'transcription.chunk',
        model: 'w',
        choices: [{ delta: { content }, finish_reason: finish }],
      })
    const seen = observed({
      path,
      type: 'text/event-stream',
      pieces: [
        [3, chunk('')],
        [4, chunk('Hel')],
        [5, chunk('lo', 'stop') + event({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } })],
      ],
    })
    expect(seen.decoded).toMatchObject({
      firstContentAtMs: 1004,
      finishReason: 'stop',
      usage: { input: 9, output: 2 },
      choices: [{ text: 'Hello' }],
    })
  })

  it('that never said its text whole is what its segments say', () => {
    const segment = (text: string): string => event({ type: 'transcript.text.segment', text, speaker: 'A' })
    const seen = observed({ path, type: 'text/event-stream', pieces: [[3, segment('Hi. ') + segment('Ho.')]] })
    expect(seen.decoded?.choices[0]?.text).toBe('Hi. Ho.')
  })

  it.each([
    [{ usage: { type: 'duration', seconds: 3.2 }, duration: 9 }, 3.2],
    [{ duration: 8.47 }, 9],
    [{ duration: 8 }, 8],
    [{ duration: -1 }, null],
    [{ duration: 8.47, usage: { type: 'tokens', input_tokens: 4, output_tokens: 1 } }, null],
  ])('of %j is billed for %j seconds', (facts, seconds) => {
    const seen = observed({ path, pieces: [[3, JSON.stringify({ text: 'x', ...facts })]] })
    expect(seen.decoded?.usage?.audioSeconds ?? null).toBe(seconds)
  })
})

describe('speech', () => {
  it('begins with its first byte, and is one piece of content however it comes', () => {
    const pieces = [7, 9, 12].map((ms) => [ms, new Uint8Array(500).fill(0xff)] as const)
    const seen = observed({
      path: '/v1/audio/speech',
      body: { model: 'tts-1', input: 'Hé🌊' },
      type: 'audio/mpeg',
      pieces,
    })
    expect(seen).toMatchObject({ framing: 'binary', events: { content_events: 1 } })
    expect(seen.decoded).toMatchObject({
      firstContentAtMs: 1007,
      lastContentAtMs: 1012,
      contentAtMs: [1007],
      usage: { characters: 3, input: null },
      tokenSource: 'none',
      choices: [{ parts: ['[audio 2 kB]'] }],
    })
  })

  it('whose request nobody kept has no characters', () => {
    const seen = observed({ path: '/v1/audio/speech', type: 'audio/mpeg', pieces: [[7, new Uint8Array(9).fill(0xff)]] })
    expect(seen.decoded?.usage).toBeNull()
  })
})

describe('a path', () => {
  it.each([
    ['POST', '/openai/deployments/my%20gpt/chat/completions?api-version=1', 'openai-chat', 'my gpt'],
    ['POST', '/openai/deployments/%zz/embeddings', 'openai-embeddings', '%zz'],
    ['POST', '/openai/deployments/a/b/chat/completions', undefined, null],
    ['POST', '/openai/deployments//chat/completions', undefined, null],
    ['POST', '/openai/v1/images/edits', 'openai-images', null],
    ['GET', '/openai/v1/responses/resp_1?stream=true', 'openai-responses', null],
    ['GET', '/openai/v1/responses/resp_1/input_items', undefined, null],
    ['POST', '/openai/v1/responses/resp_1/cancel', undefined, null],
  ])('%s %s is of the format %s and the model %s', (method, path, format, model) => {
    const found = findRoute(method, path, azure)
    expect([found.format?.id, found.model]).toEqual([format, model])
  })

  it('of every provider names a format that there is', () => {
    const named = [...openai.routes, ...azure.routes].flatMap(({ format }) => (format === null ? [] : [format]))
    expect(named.filter((format) => !formats.has(format))).toEqual([])
  })
})
