import { spawn } from 'node:child_process'
import { once } from 'node:events'
import Anthropic from '@anthropic-ai/sdk'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { collect, failureOf, only } from '../clients/both-ways.ts'
import { rawConnect, requestBytes } from '../support/raw-client.ts'
import { blanked, expectSameBytes } from './alike.ts'
import { expectFirstTokenTimed, type RealWays, realWays } from './real-ways.ts'
import { ollamaBinary } from './servers.ts'

const sea = ' The sea covers most of our planet and keeps its secrets well. 🌊'
const model = 'tiny'
const messages = [{ role: 'user' as const, content: 'Tell me about the sea.' }]
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] }
const weather = {
  type: 'function' as const,
  function: { name: 'weather', description: 'Weather of a city', parameters },
}
const rome = { name: 'weather', arguments: '{"city":"Rome"}' }

describe.skipIf(inject('realServers') === null)('a real Ollama behind the proxy', () => {
  let ways: RealWays
  let port: number
  let direct: string
  const same = <T>(call: (url: string) => Promise<T>) => ways.same(direct, ways.proxy.url, call)
  const sameBelow = <T>(path: string, call: (url: string) => Promise<T>) =>
    ways.same(`${direct}${path}`, `${ways.proxy.url}/ollama${path}`, call)
  beforeAll(async () => {
    port = inject('realServers')!.ollama
    direct = `http://127.0.0.1:${port}`
    ways = await realWays()
  })
  afterAll(() => ways.stop())

  const post = (path: string, body: object | string) =>
    requestBytes(
      'POST',
      path,
      [['content-type', 'application/json']],
      typeof body === 'string' ? body : JSON.stringify(body),
    )

  it.each([
    ['HEAD', '/', undefined],
    ['GET', '/api/version', undefined],
    ['GET', '/api/tags', undefined],
    ['POST', '/api/show', { model }],
    ['POST', '/api/chat', { model: 'nobody', messages }],
    ['POST', '/api/chat', '{"model": '],
    ['POST', '/api/generate', { model: 'nobody', prompt: 'x' }],
    ['DELETE', '/api/delete', { model: 'nobody' }],
  ])('answers %s %s with the same bytes', async (method, path, body) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const request = (place: number) => requestBytes(method, path, [['host', `127.0.0.1:${place}`]], text)
    await expectSameBytes(
      { port, request: request(port) },
      { port: ways.proxy.port, request: request(ways.proxy.port) },
    )
  })

  it.each([
    ['/v1/models', '/ollama/v1/models', undefined],
    ['/v1/models/nobody', '/ollama/v1/models/nobody', undefined],
    ['/v1/embeddings', '/ollama/v1/embeddings', { model, input: ['wave', 'after'] }],
  ])('answers %s below its name with the same bytes', async (path, proxied, body) => {
    const request = (target: string) =>
      body ? post(target, body) : requestBytes('GET', target, [['host', '127.0.0.1']])
    await expectSameBytes(
      { port, request: Buffer.from(request(path).toString('latin1').replace('test.local', '127.0.0.1'), 'latin1') },
      { port: ways.proxy.port, request: request(proxied) },
    )
  })

  it('is reached although the client names a host that Ollama would refuse', async () => {
    const { proxied } = await expectSameBytes(
      { port, request: requestBytes('GET', '/api/version', [['host', '127.0.0.1']]) },
      { port: ways.proxy.port, request: requestBytes('GET', '/api/version', [['host', 'llm.example.com']]) },
    )
    expect(proxied.status).toBe(200)
  })

  it.each([
    ['/api/chat', { model, messages, think: false, options: { seed: 1 } }],
    ['/api/generate', { model, prompt: 'The wave', raw: true, options: { seed: 1, num_predict: 40 } }],
  ])('streams %s with the same bytes but for times', async (path, body) => {
    const local = (place: number) => requestBytes('POST', path, [['host', `127.0.0.1:${place}`]], JSON.stringify(body))
    const { proxied } = await expectSameBytes(
      { port, request: local(port) },
      { port: ways.proxy.port, request: local(ways.proxy.port) },
      blanked,
    )
    expect(proxied.framing).toBe('chunked')
    expect(proxied.pieces.length).toBeGreaterThan(2)
  })

  it('chats through the ollama package', async () => {
    const { value, records } = await same((host) => new Ollama({ host }).chat({ model, messages, think: false }))
    expect(value.message.content).toBe(sea)
    const { telemetry, run } = only(records)
    expect(run.completion).toBe(sea)
    expect(telemetry.metadata).toMatchObject({
      provider: 'ollama',
      outcome: 'ok',
      token_source: 'reported',
      prompt_tokens: value.prompt_eval_count,
      completion_tokens: value.eval_count,
      cost_picodollars: '0',
    })
    expect(telemetry.metadata.provider_ms).toBeCloseTo(value.total_duration / 1e6, 3)
  })

  it('streams a chat through the ollama package, and the first token is timed', async () => {
    const { value, records } = await same(async (host) =>
      collect(await new Ollama({ host }).chat({ model, messages, think: false, stream: true })),
    )
    const record = only(records)
    expect(record.run.completion).toBe(sea)
    expect(record.telemetry.metadata.completion_tokens).toBe(value.at(-1)?.eval_count)
    await expectFirstTokenTimed(ways, record, /"content":"[^"]+"/)
  })

  it('thinks, streamed and not', async () => {
    const { records } = await same(async (host) => ({
      whole: await new Ollama({ host }).chat({ model, messages, think: true }),
      stream: await collect(await new Ollama({ host }).chat({ model, messages, think: true, stream: true })),
    }))
    expect(records.map(({ run }) => [run.reasoning?.trim(), run.completion?.trim()])).toEqual([
      ['Waves rise then fall', 'Blue water everywhere!'],
      ['Waves rise then fall', 'Blue water everywhere!'],
    ])
  })

  it('calls tools, streamed and not', async () => {
    const { records } = await same(async (host) => ({
      whole: await new Ollama({ host }).chat({ model, messages, tools: [weather] }),
      stream: await collect(await new Ollama({ host }).chat({ model, messages, tools: [weather], stream: true })),
    }))
    expect(records.map(({ run }) => run.tool_calls)).toMatchObject([[rome], [rome]])
  })

  it('generates, embeds and lists', async () => {
    const { value, records } = await same(async (host) => {
      const ollama = new Ollama({ host })
      return {
        generate: await ollama.generate({ model, prompt: 'The sea?', think: false }),
        embed: await ollama.embed({ model, input: ['wave', 'after'] }),
        list: await ollama.list(),
        show: await ollama.show({ model }),
        missing: await failureOf(ollama.show({ model: 'nobody' })),
      }
    })
    expect(records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.prompt_tokens])).toEqual([
      ['completion', value.generate.prompt_eval_count],
      ['embeddings', value.embed.prompt_eval_count],
      ['models', null],
      ['models', null],
      ['models', null],
    ])
  })

  it('serves the openai package under /v1', async () => {
    const { value, records } = await sameBelow('/v1', async (baseURL) => {
      const openai = new OpenAI({ apiKey: 'unused', baseURL, maxRetries: 0 })
      const ask = { model, messages, reasoning_effort: 'none' as const, seed: 1 }
      return {
        whole: await openai.chat.completions.create(ask),
        stream: await collect(
          await openai.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } }),
        ),
        tools: await openai.chat.completions.create({ ...ask, tools: [weather] }),
        missing: await failureOf(openai.chat.completions.create({ ...ask, model: 'nobody' })),
      }
    })
    const [whole, stream, tools, missing] = records
    expect(records).toHaveLength(4)
    expect(whole?.run).toMatchObject({ completion: sea, completion_tokens: value.whole.usage?.completion_tokens })
    expect(stream?.run).toMatchObject({
      completion: sea,
      prompt_tokens: value.stream.at(-1)?.usage?.prompt_tokens,
      completion_tokens: value.stream.at(-1)?.usage?.completion_tokens,
    })
    await expectFirstTokenTimed(ways, stream!, /"content":"[^"]+"/)
    expect(tools?.run).toMatchObject({ tool_calls: [rome], finish_reason: 'tool_calls' })
    expect(missing?.telemetry.metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: 404 })
  })

  it('serves the Anthropic package under /v1/messages', async () => {
    const { value, records } = await sameBelow('', async (baseURL) => {
      const anthropic = new Anthropic({ apiKey: 'unused', baseURL, maxRetries: 0 })
      const ask = { model, max_tokens: 60, messages }
      return {
        whole: await anthropic.messages.create(ask),
        stream: await collect(await anthropic.messages.create({ ...ask, stream: true })),
        tools: await anthropic.messages.create({ ...ask, tools: [{ name: 'weather', input_schema: parameters }] }),
      }
    })
    const [whole, stream, tools] = records
    expect(records).toHaveLength(3)
    const { input_tokens, output_tokens } = value.whole.usage
    expect(whole?.run).toMatchObject({ prompt_tokens: input_tokens, completion_tokens: output_tokens })
    // message_start guesses; message_delta has the true count
    expect(stream?.run).toMatchObject({
      completion: whole?.run.completion,
      prompt_tokens: input_tokens,
      completion_tokens: output_tokens,
    })
    await expectFirstTokenTimed(ways, stream!, /"(text|thinking)":"[^"]+"/)
    expect(tools?.run.tool_calls).toMatchObject([rome])
  })

  it('stops a long stream that the client leaves, and the record keeps what came', async () => {
    await ways.left()
    const client = await rawConnect(ways.proxy.port)
    const long = { model, prompt: 'The wave', raw: true, options: { num_predict: 6000 } }
    await client.send(post('/api/generate', long))
    await client.bodyBytes(2000)
    client.leave()
    const record = only(await ways.left())
    expect(record.telemetry.metadata).toMatchObject({ outcome: 'client_cut', end_by: 'client', status_code: 200 })
    expect(record.run.completion).toMatch(/^( after wave)+/)
  })

  describe('through its own command line', () => {
    const ollama = async (host: string, ...words: string[]) => {
      const child = spawn(ollamaBinary, words, {
        env: { ...process.env, OLLAMA_HOST: host },
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 30_000,
      })
      const printed = collect<Buffer>(child.stdout)
      const [code] = await once(child, 'close')
      expect(code).toBe(0)
      const text = Buffer.concat(await printed).toString('utf8')
      return text
        .replace(/\d+ (seconds?|minutes?) ago/g, 'just now')
        .replace(/(Less than a second|About a minute) ago/g, 'just now')
    }

    it('runs a prompt', async () => {
      const { value, records } = await same((url) =>
        ollama(url, 'run', model, '--think=false', 'Tell me about the sea.'),
      )
      expect(value).toContain(sea.trim())
      const run = records.find(({ telemetry }) => telemetry.metadata.operation === 'completion')?.run
      expect(run?.completion?.trim()).toBe(sea.trim())
      expect(new Set(records.map(({ telemetry }) => telemetry.metadata.provider))).toEqual(new Set(['ollama']))
    })

    it.each([[['list']], [['show', model]], [['ps']]])('prints the same for %j', async (words) => {
      const { value, records } = await same((url) => ollama(url, ...words))
      expect(value.length).toBeGreaterThan(10)
      expect(records.length).toBeGreaterThan(0)
      expect(records.every(({ telemetry }) => telemetry.metadata.total_tokens === null)).toBe(true)
    })
  })
})
