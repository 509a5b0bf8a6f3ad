import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/within.ts'
import { type BothWays, bothWays, collect, expectStreamTimes, failureOf, headersOf, only } from './both-ways.ts'

const ask = {
  model: 'claude-sonnet-4-6',
  max_tokens: 400,
  system: 'You are brief.',
  messages: [{ role: 'user' as const, content: 'Tell me about lighthouses.' }],
}
const weather = {
  name: 'weather',
  description: 'The weather in a city',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' }, days: { type: 'integer' } } },
}
const aboutWeather = [{ role: 'user' as const, content: 'How is the weather in Lisbon?' }]

describe('the Anthropic package gets through the proxy what it gets without it', () => {
  let ways: BothWays
  const client = (baseURL: string, maxRetries = 0) => new Anthropic({ apiKey: 'sk-ant-test', baseURL, maxRetries })
  beforeAll(async () => {
    ways = await bothWays()
  })
  afterAll(() => ways.stop())

  it('for a message, with the same response headers and one more', async () => {
    let added: string | null = null
    const { value, records } = await ways.same(async (url) => {
      const got = await client(url).messages.create(ask).withResponse()
      added = got.response.headers.get('x-sightglass-id')
      return { data: got.data, headers: headersOf(got.response.headers), id: got.request_id }
    })
    const { telemetry, run } = only(records)
    expect(telemetry._id).toBe(added)
    expect(telemetry.metadata).toMatchObject({
      provider: 'anthropic',
      operation: 'chat',
      outcome: 'ok',
      token_source: 'reported',
      prompt_tokens: value.data.usage.input_tokens,
      completion_tokens: value.data.usage.output_tokens,
      upstream_request_id: value.id,
    })
    expect(Number(telemetry.metadata.cost_picodollars)).toBeGreaterThan(0)
    expect(run.completion).toBe(value.data.content[0]?.type === 'text' ? value.data.content[0].text : null)
    expect(run.finish_reason_raw).toBe('end_turn')
  })

  it('for a streamed message', async () => {
    const { value, records } = await ways.same(async (url) =>
      collect(await client(url).messages.create({ ...ask, stream: true })),
    )
    const text = value.map((event) =>
      event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : '',
    )
    const record = only(records)
    expect(record.run.completion).toBe(text.join(''))
    expect(record.telemetry.metadata.completion_tokens).toBe(text.filter((part) => part !== '').length)
    expect(record.telemetry.metadata).toMatchObject({ outcome: 'ok', token_source: 'reported' })
    expectStreamTimes(record)
  })

  it('for thinking, streamed and not', async () => {
    const { value, records } = await ways.same(async (url) => {
      const thoughtful = { ...ask, max_tokens: 2048, thinking: { type: 'enabled' as const, budget_tokens: 1024 } }
      return {
        whole: await client(url).messages.create(thoughtful),
        stream: await client(url).messages.stream(thoughtful).finalMessage(),
      }
    })
    const thinking = value.whole.content.find((block) => block.type === 'thinking')?.thinking
    expect(thinking).toBeTruthy()
    expect(records.map(({ run }) => run.reasoning)).toEqual([thinking, thinking])
    expect(records[1]!.telemetry.metadata.ttft_answer_ms).toBeGreaterThan(records[1]!.telemetry.metadata.ttft_ms!)
    expect(records.map(({ run }) => run.completion_tokens)).toEqual([
      value.whole.usage.output_tokens,
      value.stream.usage.output_tokens,
    ])
  })

  it('for tool calls, the whole round, streamed and not', async () => {
    const { value, records } = await ways.same(async (url) => {
      const first = await client(url)
        .messages.stream({ ...ask, messages: aboutWeather, tools: [weather] })
        .finalMessage()
      const use = first.content.find((block) => block.type === 'tool_use')!
      const second = await client(url).messages.create({
        ...ask,
        messages: [
          ...aboutWeather,
          { role: 'assistant', content: first.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: '21 degrees' }] },
        ],
        tools: [weather],
      })
      return { first, second, use }
    })
    expect(records).toHaveLength(2)
    expect(records[0]?.run).toMatchObject({
      finish_reason: 'tool_calls',
      tools: ['weather'],
      tool_calls: [{ id: value.use.id, name: 'weather', arguments: '{"city":"Lisbon","days":3}' }],
      completion_tokens: value.first.usage.output_tokens,
    })
    expect(records[1]?.run.finish_reason).toBe('stop')
  })

  it('for the count of tokens and the list of models, which are no model calls', async () => {
    const { records } = await ways.same(async (url) => ({
      count: await client(url).messages.countTokens({ model: ask.model, messages: ask.messages }),
      models: await collect(client(url).models.list()),
    }))
    expect(records.map(({ telemetry }) => [telemetry.metadata.provider, telemetry.metadata.operation])).toEqual([
      ['anthropic', 'count_tokens'],
      ['anthropic', 'models'],
    ])
  })

  it.each([400, 401, 404, 429, 500, 529])('for an error %i: the same class, type and message', async (status) => {
    const { value, records } = await ways.same((url) =>
      failureOf(client(url).messages.create({ ...ask, model: `error-${status}` })),
    )
    expect(value).toMatchObject({ status })
    const { metadata } = only(records).telemetry
    expect(metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: status, success: false })
    expect(metadata.error_message).toContain(`answers ${status}`)
  })

  it.each([
    ['an error inside the stream', 'error-stream', 'upstream_error_stream'],
    ['a connection that breaks in the stream', 'error-cut', 'upstream_cut'],
  ])('for %s', async (_what, model, outcome) => {
    const { value, records } = await ways.same(async (url) => {
      const seen: unknown[] = []
      const read = async () => {
        for await (const event of await client(url).messages.create({ ...ask, model, stream: true })) seen.push(event)
      }
      const { cause: _differs, ...failure } = await failureOf(read())
      return { seen, failure }
    })
    expect(value.seen.length).toBeGreaterThan(3)
    expect(only(records).telemetry.metadata).toMatchObject({ outcome, success: false })
  })

  it('for a stream it abandons: the provider notices, and the record says who left', async () => {
    const { records } = await ways.same(async (url) => {
      const before = ways.provider.aborted
      const stream = await client(url).messages.create({ ...ask, stream: true })
      let count = 0
      for await (const _event of stream) if (++count === 6) break
      await eventually('the provider to notice', () => ways.provider.aborted === before + 1)
      return { count }
    })
    expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'client_cut', end_by: 'client' })
  })
})
