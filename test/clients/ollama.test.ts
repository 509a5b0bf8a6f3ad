import { Ollama } from 'ollama'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/within.ts'
import { type BothWays, bothWays, collect, expectStreamTimes, failureOf, only } from './both-ways.ts'

const model = 'llama3.2'
const messages = [{ role: 'user', content: 'Tell me about lighthouses.' }]
const weather = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
  },
}

describe('the ollama package gets through the proxy what it gets without it', () => {
  let ways: BothWays
  const client = (host: string) => new Ollama({ host })
  beforeAll(async () => {
    ways = await bothWays()
  })
  afterAll(() => ways.stop())

  it('for a chat', async () => {
    const { value, records } = await ways.same((url) => client(url).chat({ model, messages }))
    const { telemetry, run } = only(records)
    expect(telemetry.metadata).toMatchObject({
      provider: 'ollama',
      operation: 'chat',
      outcome: 'ok',
      stream: false,
      token_source: 'reported',
      prompt_tokens: value.prompt_eval_count,
      completion_tokens: value.eval_count,
      cost_picodollars: '0',
      key_id: null,
    })
    expect(telemetry.metadata.provider_ms).toBeCloseTo(value.total_duration / 1e6, 3)
    expect(run.completion).toBe(value.message.content)
  })

  it('for a streamed chat', async () => {
    const { value, records } = await ways.same(async (url) =>
      collect(await client(url).chat({ model, messages, stream: true })),
    )
    const record = only(records)
    expect(record.run.completion).toBe(value.map((part) => part.message.content).join(''))
    expect(record.telemetry.metadata.completion_tokens).toBe(value.at(-1)?.eval_count)
    expect(record.run.events.content_events).toBe(value.length - 1)
    expectStreamTimes(record)
  })

  it('for thinking and for generated text, streamed and not', async () => {
    const { value, records } = await ways.same(async (url) => ({
      whole: await client(url).generate({ model, prompt: 'Tell me about lighthouses.', think: true }),
      stream: await collect(
        await client(url).generate({ model, prompt: 'Tell me about lighthouses.', think: true, stream: true }),
      ),
    }))
    expect(value.whole.thinking).toBeTruthy()
    expect(records.map(({ run }) => [run.reasoning, run.completion])).toEqual([
      [value.whole.thinking, value.whole.response],
      [value.whole.thinking, value.whole.response],
    ])
    expect(records[1]!.telemetry.metadata.ttft_answer_ms).toBeGreaterThan(records[1]!.telemetry.metadata.ttft_ms!)
  })

  it('for tool calls, streamed and not', async () => {
    const { records } = await ways.same(async (url) => {
      const call = { model, messages: [{ role: 'user', content: 'How is the weather in Lisbon?' }], tools: [weather] }
      return {
        whole: await client(url).chat(call),
        stream: await collect(await client(url).chat({ ...call, stream: true })),
      }
    })
    for (const { run } of records) {
      expect(run.tool_calls).toMatchObject([{ name: 'weather', arguments: '{"city":"Lisbon","days":3}' }])
      expect(run.tools).toEqual(['weather'])
    }
    expect(records).toHaveLength(2)
  })

  it('for embeddings', async () => {
    const { value, records } = await ways.same((url) =>
      client(url).embed({ model: 'nomic-embed-text', input: ['a cat', 'a dog'] }),
    )
    expect(value.embeddings).toHaveLength(2)
    expect(only(records).telemetry.metadata).toMatchObject({ operation: 'embeddings', prompt_tokens: 4 })
  })

  it('for lists, descriptions, versions and downloads, which are no model calls', async () => {
    const { records } = await ways.same(async (url) => ({
      list: await client(url).list(),
      running: await client(url).ps(),
      show: await client(url).show({ model }),
      version: await client(url).version(),
      pull: await collect(await client(url).pull({ model, stream: true })),
    }))
    expect(records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.total_tokens])).toEqual([
      ['models', null],
      ['models', null],
      ['models', null],
      ['health', null],
      ['pull', null],
    ])
  })

  it.each([400, 401, 404, 429, 500])('for an error %i: the same class and message', async (status) => {
    const { value, records } = await ways.same((url) =>
      failureOf(client(url).chat({ model: `error-${status}`, messages })),
    )
    expect(value).toMatchObject({ status_code: status })
    const { metadata } = only(records).telemetry
    expect(metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: status, success: false })
    expect(metadata.error_message).toContain(`answers ${status}`)
  })

  it.each([
    ['an error inside the stream', 'error-stream', 'upstream_error_stream'],
    ['a connection that breaks in the stream', 'error-cut', 'upstream_cut'],
  ])('for %s', async (_what, name, outcome) => {
    const { value, records } = await ways.same(async (url) => {
      const seen: unknown[] = []
      const read = async () => {
        for await (const part of await client(url).chat({ model: name, messages, stream: true })) seen.push(part)
      }
      const { cause: _differs, ...failure } = await failureOf(read())
      return { seen, failure }
    })
    expect(value.seen).toHaveLength(3)
    expect(only(records).telemetry.metadata).toMatchObject({ outcome, success: false })
  })

  it('for a stream it abandons: the provider notices, and the record says who left', async () => {
    const { records } = await ways.same(async (url) => {
      const before = ways.provider.aborted
      const stream = await client(url).chat({ model, messages, stream: true })
      const failure = failureOf(
        (async () => {
          let count = 0
          for await (const _part of stream) if (++count === 3) stream.abort()
        })(),
      )
      const { class: name } = await failure
      await eventually('the provider to notice', () => ways.provider.aborted === before + 1)
      return { name }
    })
    expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'client_cut', end_by: 'client' })
  })
})
