import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BothWays, bothWays, collect, only } from './both-ways.ts'

/** The scripted provider makes its ids from the request's bytes, which is where the two ways differ. */
const withoutIds = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replace(/"(chatcmpl-|cmpl-|call_)[0-9a-z]+"/g, '"$1"')) as T

const ask = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Tell me about lighthouses.' }] }

describe('the openai package sees the same whether or not the proxy asks for the usage', () => {
  let ways: BothWays
  const client = (baseUrl: string) => new OpenAI({ apiKey: 'sk-test-openai', baseURL: `${baseUrl}/v1`, maxRetries: 0 })
  beforeAll(async () => {
    ways = await bothWays({ projects: { default: { includeUsage: true } } })
  })
  afterAll(() => ways.stop())

  it('in a streamed chat, chunk by chunk, and the record has the usage it never saw', async () => {
    const { value, records } = await ways.same(async (url) =>
      withoutIds(await collect(await client(url).chat.completions.create({ ...ask, stream: true }))),
    )
    expect(value.length).toBeGreaterThan(5)
    expect(value.every((chunk) => !('usage' in chunk) && chunk.choices.length === 1)).toBe(true)
    const { metadata } = only(records).telemetry
    expect(metadata).toMatchObject({
      outcome: 'ok',
      token_source: 'reported',
      usage_asked: true,
      cost_estimated: false,
    })
    expect(metadata.withheld_bytes).toBeGreaterThan(0)
  })

  it('in a streamed completion', async () => {
    const once = { model: 'gpt-3.5-turbo-instruct', prompt: 'Once', max_tokens: 9, stream: true as const }
    const { records } = await ways.same(async (url) =>
      withoutIds(await collect(await client(url).completions.create(once))),
    )
    expect(only(records).telemetry.metadata).toMatchObject({ token_source: 'reported', completion_tokens: 9 })
  })

  it('in tool calls put together by the stream helper', async () => {
    const weather = {
      type: 'function' as const,
      function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    }
    const messages = [{ role: 'user' as const, content: 'How is the weather in Lisbon?' }]
    const { value, records } = await ways.same(async (url) => {
      const stream = client(url).chat.completions.stream({ ...ask, messages, tools: [weather] })
      return withoutIds(await stream.finalChatCompletion())
    })
    expect(value.choices[0]?.message.tool_calls).toHaveLength(1)
    expect(only(records).telemetry.metadata).toMatchObject({ token_source: 'reported', finish_reason: 'tool_calls' })
  })

  it('in a stream that it asks for its usage itself, and in an answer that is no stream', async () => {
    const { value, records } = await ways.same(async (url) => ({
      stream: await collect(
        await client(url).chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } }),
      ),
      whole: await client(url).chat.completions.create(ask),
    }))
    expect(value.stream.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0)
    expect(records.map(({ telemetry: { metadata } }) => [metadata.usage_asked, metadata.token_source])).toEqual([
      [false, 'reported'],
      [false, 'reported'],
    ])
  })
})
