import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/within.ts'
import { type BothWays, bothWays, collect, expectStreamTimes, failureOf, headersOf, only } from './both-ways.ts'

const model = 'gpt-4o-mini'
const messages = [
  { role: 'system' as const, content: 'You are brief.' },
  { role: 'user' as const, content: 'Tell me about lighthouses.' },
]
const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
  },
}

describe('the openai package gets through the proxy what it gets without it', () => {
  let ways: BothWays
  const client = (baseUrl: string, maxRetries = 0) =>
    new OpenAI({ apiKey: 'sk-test-openai', baseURL: `${baseUrl}/v1`, maxRetries })
  beforeAll(async () => {
    ways = await bothWays()
  })
  afterAll(() => ways.stop())

  it('for a chat, with the same response headers and one more', async () => {
    let added: string | null = null
    const { value, records } = await ways.same(async (url) => {
      const got = await client(url).chat.completions.create({ model, messages }).withResponse()
      added = got.response.headers.get('x-sightglass-id')
      return { data: got.data, headers: headersOf(got.response.headers), id: got.request_id }
    })
    const { telemetry, run } = only(records)
    expect(telemetry._id).toBe(added)
    expect(telemetry.metadata).toMatchObject({
      provider: 'openai',
      operation: 'chat',
      outcome: 'ok',
      status_code: 200,
      stream: false,
      project_id: 'default',
      model_requested: model,
      token_source: 'reported',
      prompt_tokens: value.data.usage?.prompt_tokens,
      completion_tokens: value.data.usage?.completion_tokens,
      total_tokens: value.data.usage?.total_tokens,
      upstream_request_id: value.id,
    })
    expect(telemetry.metadata.content_encoding).toBe('gzip')
    expect(Number(telemetry.metadata.cost_picodollars)).toBeGreaterThan(0)
    expect(telemetry.metadata.key_id).toMatch(/^[0-9a-f]{32}$/)
    expect(run.completion).toBe(value.data.choices[0]?.message.content)
    expect(run.finish_reason).toBe('stop')
  })

  it('for a streamed chat with usage, and the first token is timed', async () => {
    const { value, records } = await ways.same(async (url) =>
      collect(
        await client(url).chat.completions.create({
          model,
          messages,
          stream: true,
          stream_options: { include_usage: true },
        }),
      ),
    )
    const record = only(records)
    const usage = value.at(-1)?.usage
    expect(usage?.completion_tokens).toBeGreaterThan(10)
    expect(record.run.completion).toBe(value.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''))
    expect(record.telemetry.metadata).toMatchObject({
      outcome: 'ok',
      token_source: 'reported',
      prompt_tokens: usage?.prompt_tokens,
      completion_tokens: usage?.completion_tokens,
    })
    expect(record.run.events.content_events).toBe(usage?.completion_tokens)
    expectStreamTimes(record)
  })

  it('for a streamed chat without usage, whose tokens are an estimate and say so', async () => {
    const { value, records } = await ways.same(async (url) =>
      collect(await client(url).chat.completions.create({ model, messages, stream: true })),
    )
    const { metadata } = only(records).telemetry
    expect(value.every((chunk) => !chunk.usage)).toBe(true)
    expect(metadata).toMatchObject({ outcome: 'ok', token_source: 'estimated', cost_estimated: true })
    expect(metadata.completion_tokens).toBeGreaterThan(0)
  })

  it('for tool calls, the whole round', async () => {
    const { value, records } = await ways.same(async (url) => {
      const ask = [{ role: 'user' as const, content: 'How is the weather in Lisbon?' }]
      const first = await client(url).chat.completions.create({ model, messages: ask, tools: [weather] })
      const message = first.choices[0]!.message
      const call = message.tool_calls![0]!
      const told = { role: 'tool' as const, tool_call_id: call.id, content: '{"degrees":21}' }
      const second = await client(url).chat.completions.create({
        model,
        messages: [...ask, message, told],
        tools: [weather],
      })
      return { first, second }
    })
    expect(records).toHaveLength(2)
    const [asked, told] = records
    expect(asked?.run).toMatchObject({
      finish_reason: 'tool_calls',
      tools: ['weather'],
      completion_tokens: value.first.usage?.completion_tokens,
      tool_calls: [{ name: 'weather', arguments: '{"city":"Lisbon","days":3}' }],
    })
    expect(told?.run.completion).toBe(value.second.choices[0]?.message.content)
  })

  it('for streamed tool calls put together by the stream helper', async () => {
    const { value, records } = await ways.same((url) =>
      client(url)
        .chat.completions.stream({
          model,
          messages: [{ role: 'user', content: 'How is the weather in Lisbon?' }],
          tools: [weather, { ...weather, function: { ...weather.function, name: 'tides' } }],
          stream_options: { include_usage: true },
        })
        .finalChatCompletion(),
    )
    const calls = value.choices[0]!.message.tool_calls!
    expect(calls).toHaveLength(2)
    const record = only(records)
    expect(record.run.tool_calls).toEqual(
      calls.map(
        (call) =>
          call.type === 'function' && { id: call.id, name: call.function.name, arguments: call.function.arguments },
      ),
    )
    expectStreamTimes(record)
  })

  it('for several choices and for JSON', async () => {
    const { records } = await ways.same((url) =>
      client(url).chat.completions.create({ model, messages, n: 2, response_format: { type: 'json_object' } }),
    )
    const { run } = only(records)
    expect(run.choices).toHaveLength(2)
    expect(run.completion).toBe('{"answer":"lighthouses"}')
  })

  it('for an answer cut by max_tokens, whose outcome is truncated', async () => {
    const { records } = await ways.same((url) =>
      client(url).chat.completions.create({ model, messages, max_completion_tokens: 5 }),
    )
    expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'truncated', completion_tokens: 5 })
  })

  it('for embeddings in both encodings', async () => {
    const { value, records } = await ways.same(async (url) => ({
      base64: await client(url).embeddings.create({ model: 'text-embedding-3-small', input: ['a cat', 'a dog'] }),
      float: await client(url).embeddings.create({
        model: 'text-embedding-3-small',
        input: 'a cat',
        encoding_format: 'float',
        dimensions: 8,
      }),
    }))
    expect(value.base64.data[0]?.embedding).toHaveLength(64)
    expect(records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.prompt_tokens])).toEqual([
      ['embeddings', 4],
      ['embeddings', 2],
    ])
  })

  it('for legacy completions, streamed and not', async () => {
    const { value, records } = await ways.same(async (url) => {
      const ask = { model: 'gpt-3.5-turbo-instruct', prompt: 'Once upon a time', max_tokens: 9 }
      return {
        whole: await client(url).completions.create(ask),
        stream: await collect(await client(url).completions.create({ ...ask, stream: true })),
      }
    })
    expect(records.map(({ run }) => [run.operation, run.completion])).toEqual([
      ['completion', value.whole.choices[0]?.text],
      ['completion', value.stream.map((chunk) => chunk.choices[0]?.text).join('')],
    ])
    expect(records[0]?.telemetry.metadata.completion_tokens).toBe(9)
  })

  it('for the list of models, which is no model call', async () => {
    const { records } = await ways.same(async (url) => ({
      list: await collect(client(url).models.list()),
      one: await client(url).models.retrieve(model),
    }))
    expect(records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.prompt_tokens])).toEqual([
      ['models', null],
      ['models', null],
    ])
  })

  it('for a file in a form and for speech in bytes, which has no tokens but characters', async () => {
    const { value, records } = await ways.same(async (url) => {
      const openai = client(url)
      const file = new File(['{"a":1}\n{"a":2}\n'], 'train.jsonl')
      const voice = await openai.audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Hello' })
      return {
        file: await openai.files.create({ file, purpose: 'fine-tune' }),
        voice: Buffer.from(await voice.arrayBuffer()).toString('base64'),
      }
    })
    expect(value.file).toMatchObject({ filename: 'train.jsonl', bytes: 16, purpose: 'fine-tune' })
    expect(Buffer.from(value.voice, 'base64')).toHaveLength(2000)
    expect(
      records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.outcome, metadata.total_tokens]),
    ).toEqual([
      ['speech', 'ok', null],
      ['files', 'ok', null],
    ])
    expect(records[0]!.telemetry.metadata).toMatchObject({ response_size: 2000, usage: { characters: 5 } })
    expect(records[0]!.run.completion).toBe('[audio 2 kB]')
  })

  it.each([400, 401, 404, 429, 500])('for an error %i: the same class, code and message', async (status) => {
    const { value, records } = await ways.same((url) =>
      failureOf(client(url).chat.completions.create({ model: `error-${status}`, messages })),
    )
    expect(value).toMatchObject({ status })
    const { metadata } = only(records).telemetry
    expect(metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: status, success: false })
    expect(metadata.error_message).toContain(`answers ${status}`)
  })

  it('for a call the package tries again: each try has a record that counts them', async () => {
    const { records } = await ways.same((url) =>
      failureOf(client(url, 2).chat.completions.create({ model: 'error-429', messages })),
    )
    expect(records.map(({ telemetry: { metadata } }) => metadata.client_retries)).toEqual([0, 1, 2])
  })

  it.each([
    ['an error inside the stream', 'error-stream', 'upstream_error_stream'],
    ['a connection that breaks in the stream', 'error-cut', 'upstream_cut'],
  ])('for %s', async (_what, name, outcome) => {
    const { value, records } = await ways.same(async (url) => {
      const seen: unknown[] = []
      const read = async () => {
        for await (const chunk of await client(url).chat.completions.create({ model: name, messages, stream: true }))
          seen.push(chunk)
      }
      const { cause: _differs, ...failure } = await failureOf(read())
      return { seen, failure }
    })
    expect(value.seen).toHaveLength(4)
    expect(only(records).telemetry.metadata).toMatchObject({ outcome, success: false })
  })

  it('for a stream it abandons: the provider notices, and the record says who left', async () => {
    const seen = await ways.same(async (url) => {
      const before = ways.provider.aborted
      const stream = await client(url).chat.completions.create({ model, messages, stream: true })
      let count = 0
      for await (const _chunk of stream) if (++count === 3) break
      await eventually('the provider to notice', () => ways.provider.aborted === before + 1)
      return { count }
    })
    const { telemetry, run } = only(seen.records)
    expect(telemetry.metadata).toMatchObject({ outcome: 'client_cut', end_by: 'client' })
    expect(run.completion).not.toBe('')
  })

  it('with the project in the base URL', async () => {
    await ways.left()
    const { value } = await ways.same((url) => {
      const base = url === ways.proxy.url ? `${url}/p/checkout-bot` : url
      return client(base).chat.completions.create({ model, messages })
    })
    expect(value.choices).toHaveLength(1)
    const page = await ways.proxy.store.runs('checkout-bot', { limit: 10 })
    expect(page.items.map((item) => item.telemetry.metadata.project_id)).toEqual(['checkout-bot'])
  })
})
