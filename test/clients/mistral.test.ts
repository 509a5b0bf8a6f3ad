import { Mistral } from '@mistralai/mistralai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, failureOf, only, type SamplesBothWays, samplesBothWays } from './both-ways.ts'

const messages = [{ role: 'user' as const, content: 'Name a sea.' }]
const model = 'mistral-small-latest'
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}

describe('the @mistralai/mistralai package gets through the proxy what it gets without it', () => {
  let ways: SamplesBothWays
  const client = (serverURL: string) =>
    new Mistral({ apiKey: 'test-mistral-key-0123456789', serverURL, retryConfig: { strategy: 'none' } })
  beforeAll(async () => {
    ways = await samplesBothWays(['mistral'])
  })
  afterAll(() => ways.stop())

  it('for a chat', async () => {
    const { value, records } = await ways.same('mistral/chat', (url) => client(url).chat.complete({ model, messages }))
    const { telemetry, run } = only(records)
    expect(run.completion).toBe(value.choices[0]!.message!.content)
    expect(telemetry.metadata).toMatchObject({
      provider: 'mistral',
      operation: 'chat',
      outcome: 'ok',
      prompt_tokens: value.usage.promptTokens,
      completion_tokens: value.usage.completionTokens,
      upstream_request_id: '01980f3a-0000-7000-8000-0000000000a1',
      cost_usd: 0.00000645,
    })
    expect(telemetry.metadata.limits).toContainEqual({
      name: 'requests_minute',
      limit: 60,
      remaining: 58,
      reset_ms: null,
    })
  })

  it('for a stream', async () => {
    const { value, records } = await ways.same('mistral/chat-stream', async (url) =>
      collect(await client(url).chat.stream({ model, messages })),
    )
    const { telemetry, run } = only(records)
    expect(run.completion).toBe(value.map(({ data }) => data.choices[0]?.delta.content ?? '').join(''))
    expect(telemetry.metadata).toMatchObject({ stream: true, outcome: 'ok', completion_tokens: 6 })
    expect(telemetry.metadata.ttft_ms).toBeGreaterThan(0)
  })

  it('for a model that thinks in parts of its content', async () => {
    const { records } = await ways.same('mistral/chat-thinking-stream', async (url) =>
      collect(await client(url).chat.stream({ model: 'magistral-medium-latest', messages })),
    )
    expect(only(records).run).toMatchObject({ completion: 'The Coral Sea.', reasoning: 'The user wants a sea.' })
  })

  it.each(['chat-tools-stream', 'chat-tools-incremental-stream'])('for tool calls (%s)', async (name) => {
    const { records, sample } = await ways.same(`mistral/${name}`, async (url) =>
      collect(await client(url).chat.stream({ model: 'mistral-large-latest', messages, tools: [weather] })),
    )
    expect(only(records).run.tool_calls).toMatchObject(sample.expect!.toolCalls!)
  })

  it('for completing the middle of a text', async () => {
    const { value, records } = await ways.same('mistral/fim', (url) =>
      client(url).fim.complete({ model: 'codestral-latest', prompt: 'def add(a, b):\n', suffix: '\n' }),
    )
    expect(only(records).run).toMatchObject({ completion: value.choices[0]!.message!.content, operation: 'chat' })
  })

  it('for embeddings', async () => {
    const { value, records } = await ways.same('mistral/embeddings', (url) =>
      client(url).embeddings.create({ model: 'mistral-embed', inputs: ['a sea'] }),
    )
    expect(value.data[0]?.embedding).toHaveLength(3)
    expect(only(records).telemetry.metadata).toMatchObject({ operation: 'embeddings', prompt_tokens: 7 })
  })

  it('for the list of models, which is no model call', async () => {
    const { records } = await ways.same('mistral/models', (url) => client(url).models.list())
    expect(only(records).telemetry.metadata).toMatchObject({ operation: 'models', prompt_tokens: null })
  })

  it.each([
    ['error-rate-limit', 429],
    ['error-unauthorized', 401],
  ])('for an error (%s): the same class, status and message', async (name, status) => {
    const { value, records } = await ways.same(`mistral/${name}`, async (url) => {
      const {
        rawResponse: _raw,
        request: _request,
        response: _response,
        ...failure
      } = await failureOf(client(url).chat.complete({ model, messages }))
      return { ...failure, headers: null }
    })
    expect(value).toMatchObject({ statusCode: status })
    expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: status })
  })
})
