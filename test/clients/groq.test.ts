import Groq from 'groq-sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, failureOf, headersOf, only, type SamplesBothWays, samplesBothWays } from './both-ways.ts'

const messages = [{ role: 'user' as const, content: 'Name a sea.' }]

describe('the groq-sdk package gets through the proxy what it gets without it', () => {
  let ways: SamplesBothWays
  const client = (baseURL: string) => new Groq({ apiKey: 'gsk_test-groq-key', baseURL, maxRetries: 0 })
  beforeAll(async () => {
    ways = await samplesBothWays(['groq'])
  })
  afterAll(() => ways.stop())

  it('for a chat with a tool call, with the same response headers and one more', async () => {
    const { value, records } = await ways.same('groq/chat-tools', async (url) => {
      const got = await client(url).chat.completions.create({ model: 'qwen/qwen3-32b', messages }).withResponse()
      return { data: got.data, headers: headersOf(got.response.headers) }
    })
    const { telemetry, run } = only(records)
    const call = value.data.choices[0]!.message.tool_calls![0]!
    expect(run.tool_calls).toEqual([{ id: call.id, name: call.function.name, arguments: call.function.arguments }])
    expect(telemetry.metadata).toMatchObject({
      provider: 'groq',
      operation: 'chat',
      outcome: 'ok',
      stream: false,
      finish_reason: 'tool_calls',
      prompt_tokens: value.data.usage?.prompt_tokens,
      completion_tokens: value.data.usage?.completion_tokens,
      token_source: 'reported',
    })
    expect(telemetry.metadata.endpoint).toBe('/openai/v1/chat/completions')
  })

  it('for a stream with reasoning, whose usage stands in two places', async () => {
    const { value, records } = await ways.same('groq/chat-reasoning-stream', async (url) =>
      collect(await client(url).chat.completions.create({ model: 'qwen/qwen3-32b', messages, stream: true })),
    )
    const { telemetry, run } = only(records)
    const texts = value.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')
    expect(run).toMatchObject({ completion: texts, reasoning: 'Okay, seas.' })
    expect(value.at(-1)?.x_groq?.usage).toMatchObject({
      prompt_tokens: telemetry.metadata.prompt_tokens,
      completion_tokens: telemetry.metadata.completion_tokens,
    })
    expect(telemetry.metadata).toMatchObject({ stream: true, outcome: 'ok', upstream_region: 'fra' })
    expect(telemetry.metadata.cost_usd).toBeGreaterThan(0)
  })

  it('for an error, with the same class, status and message', async () => {
    const { value, records } = await ways.same('groq/error-failed-generation', (url) =>
      failureOf(client(url).chat.completions.create({ model: 'qwen/qwen3-32b', messages })),
    )
    expect(value).toMatchObject({ class: 'BadRequestError', status: 400 })
    expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: 400 })
  })

  it('for a stream that the vendor stopped with a word of its own', async () => {
    const { records } = await ways.same('groq/chat-stopped-stream', async (url) => {
      const seen: unknown[] = []
      const read = async () => {
        const stream = await client(url).chat.completions.create({ model: 'qwen/qwen3-32b', messages, stream: true })
        for await (const chunk of stream) seen.push(chunk)
        return seen
      }
      return read().catch((error: Error) => ({ seen, message: error.message }))
    })
    expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'upstream_error_stream', success: false })
  })
})
