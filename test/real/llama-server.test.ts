import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { collect, failureOf, only } from '../clients/both-ways.ts'
import { requestBytes } from '../support/raw-client.ts'
import { blanked, expectSameBytes } from './alike.ts'
import { expectFirstTokenTimed, type RealWays, realWays } from './real-ways.ts'

const model = 'tiny'
const messages = [{ role: 'user' as const, content: 'Tell me about the sea.' }]
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] }
const weather = {
  type: 'function' as const,
  function: { name: 'weather', description: 'Weather of a city', parameters },
}
const thought = 'Waves rise then fall'
const blue = 'Blue water everywhere!'

describe.skipIf(inject('realServers') === null)('a real llama-server behind the proxy', () => {
  let ways: RealWays
  let port: number
  const same = <T>(path: string, call: (url: string) => Promise<T>) =>
    ways.same(`http://127.0.0.1:${port}${path}`, `${ways.proxy.url}/llamacpp${path}`, call)
  beforeAll(async () => {
    port = inject('realServers')!.llama
    ways = await realWays()
  })
  afterAll(() => ways.stop())

  const bytes = (method: string, path: string, body?: object | string) =>
    requestBytes(
      method,
      path,
      [['content-type', 'application/json']],
      body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    )

  it.each([
    ['GET', '/health', undefined],
    ['GET', '/v1/nowhere', undefined],
    ['POST', '/tokenize', { content: 'a wave' }],
    ['POST', '/apply-template', { messages }],
    ['POST', '/v1/chat/completions', '{"model": '],
    ['POST', '/v1/chat/completions', {}],
    ['OPTIONS', '/v1/chat/completions', undefined],
  ])('answers %s %s with the same bytes, empty header values too', async (method, path, body) => {
    await expectSameBytes(
      { port, request: bytes(method, path, body) },
      { port: ways.proxy.port, request: bytes(method, `/llamacpp${path}`, body) },
    )
  })

  it.each([
    ['/v1/chat/completions', { model, messages, stream: true, stream_options: { include_usage: true } }],
    ['/v1/messages', { model, messages, max_tokens: 60, stream: true }],
    ['/completion', { prompt: 'a wave', n_predict: 30, stream: true }],
  ])('streams %s with the same bytes but for ids and times', async (path, body) => {
    const { proxied } = await expectSameBytes(
      { port, request: bytes('POST', path, body) },
      { port: ways.proxy.port, request: bytes('POST', `/llamacpp${path}`, body) },
      (text) =>
        blanked(text).replace(
          /"(cache_read_input_tokens|input_tokens|cached_tokens|tokens_cached|tokens_evaluated)":\d+/g,
          '',
        ),
    )
    expect(proxied.framing).toBe('chunked')
  })

  it('answers embeddings of a second server under its own name with the same bytes', async () => {
    const body = { model, input: ['wave', 'after'] }
    await expectSameBytes(
      { port: inject('realServers')!.embeddings, request: bytes('POST', '/v1/embeddings', body) },
      { port: ways.proxy.port, request: bytes('POST', '/llama-embed/v1/embeddings', body) },
    )
    const record = (await ways.left()).at(-1)
    expect(record?.telemetry.metadata).toMatchObject({
      upstream: 'llama-embed',
      provider: 'llamacpp',
      operation: 'embeddings',
      prompt_tokens: 11,
    })
  })

  it('chats with the openai package: text, reasoning and counts are the server’s own', async () => {
    const { value, records } = await same('/v1', async (baseURL) =>
      new OpenAI({ apiKey: 'unused', baseURL, maxRetries: 0 }).chat.completions.create({ model, messages }),
    )
    const { telemetry, run } = only(records)
    expect([run.reasoning?.trim(), run.completion?.trim()]).toEqual([thought, blue])
    expect(telemetry.metadata).toMatchObject({
      provider: 'llamacpp',
      outcome: 'ok',
      token_source: 'reported',
      prompt_tokens: value.usage?.prompt_tokens,
      completion_tokens: value.usage?.completion_tokens,
      cost_picodollars: '0',
      key_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
  })

  it('streams to the openai package, and the first token is timed', async () => {
    const { value, records } = await same('/v1', async (baseURL) =>
      collect(
        await new OpenAI({ apiKey: 'unused', baseURL, maxRetries: 0 }).chat.completions.create({
          model,
          messages,
          stream: true,
          stream_options: { include_usage: true },
        }),
      ),
    )
    const record = only(records)
    expect([record.run.reasoning?.trim(), record.run.completion?.trim()]).toEqual([thought, blue])
    expect(record.run.completion_tokens).toBe(value.at(-1)?.usage?.completion_tokens)
    expect(record.telemetry.metadata.ttft_ms).toBeLessThanOrEqual(record.telemetry.metadata.last_content_ms!)
  })

  it('times the first token of a long stream before its second piece', async () => {
    const { records } = await same('/v1', async (baseURL) =>
      collect(
        await new OpenAI({ apiKey: 'unused', baseURL, maxRetries: 0 }).completions.create({
          model,
          prompt: 'a wave',
          max_tokens: 400,
          stream: true,
        }),
      ),
    )
    const record = only(records)
    expect(record.run).toMatchObject({ finish_reason: 'length', completion_tokens: 400 })
    await expectFirstTokenTimed(ways, record, /"text":"[^"]+"/)
  })

  it('answers several choices whose counts are added up', async () => {
    const { records } = await same('/v1', async (baseURL) =>
      collect(
        await new OpenAI({ apiKey: 'unused', baseURL, maxRetries: 0 }).chat.completions.create({
          model,
          messages,
          n: 3,
          stream: true,
          stream_options: { include_usage: true },
        }),
      ).then((chunks) => chunks.map((chunk) => chunk.choices.length).reduce((sum, count) => sum + count, 0)),
    )
    const { run } = only(records)
    expect(run.choices).toHaveLength(3)
    expect(run.completion_tokens).toBe(33)
  })

  it('calls tools, streamed and not', async () => {
    const { records } = await same('/v1', async (baseURL) => {
      const openai = new OpenAI({ apiKey: 'unused', baseURL, maxRetries: 0 })
      return {
        whole: await openai.chat.completions.create({ model, messages, tools: [weather] }),
        stream: await openai.chat.completions.stream({ model, messages, tools: [weather] }).finalChatCompletion(),
      }
    })
    expect(records).toHaveLength(2)
    for (const { run } of records) {
      const [call] = run.tool_calls as { name: string; arguments: string }[]
      expect(call?.name).toBe('weather')
      expect(JSON.parse(call!.arguments)).toEqual({ city: 'Rome' })
      expect(run.finish_reason).toBe('tool_calls')
    }
  })

  it('serves the Anthropic package, whose input counts leave the cached tokens out', async () => {
    const { value, records } = await same('', async (baseURL) => {
      const anthropic = new Anthropic({ apiKey: 'unused', baseURL, maxRetries: 0 })
      const ask = { model, max_tokens: 60, messages }
      return {
        whole: await anthropic.messages.create(ask),
        stream: await anthropic.messages.stream(ask).finalMessage(),
        count: await anthropic.messages.countTokens({ model, messages }),
      }
    })
    const [whole, stream, count] = records
    expect(records).toHaveLength(3)
    for (const [record, message] of [
      [whole, value.whole],
      [stream, value.stream],
    ] as const) {
      const { input_tokens, cache_read_input_tokens, output_tokens } = message.usage
      expect([record?.run.reasoning?.trim(), record?.run.completion?.trim()]).toEqual([thought, blue])
      expect(record?.run.prompt_tokens).toBe(input_tokens + (cache_read_input_tokens ?? 0))
      expect(record?.run.completion_tokens).toBe(output_tokens)
    }
    expect(count?.telemetry.metadata).toMatchObject({ operation: 'count_tokens', total_tokens: null })
  })

  it('fails as it does directly: no route, too long a prompt', async () => {
    const { records } = await same('/v1', async (baseURL) => {
      const openai = new OpenAI({ apiKey: 'unused', baseURL, maxRetries: 0 })
      const long = [{ role: 'user' as const, content: 'wave '.repeat(9000) }]
      return {
        missing: await failureOf(openai.files.list()),
        long: await failureOf(openai.chat.completions.create({ model, messages: long })),
      }
    })
    expect(records.map(({ telemetry: { metadata } }) => [metadata.outcome, metadata.status_code])).toEqual([
      ['upstream_error_http', 404],
      ['upstream_error_http', 400],
    ])
  })
})
