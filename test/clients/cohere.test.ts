import { CohereClient, CohereClientV2 } from 'cohere-ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunDetail } from '../../src/stores/store.ts'
import { loadSamples, type Sample } from '../support/samples.ts'
import { collect, failureOf, type SamplesBothWays, samplesBothWays } from './both-ways.ts'

const token = 'co_test_key_of_nobody'
const newer = (environment: string) => new CohereClientV2({ token, environment, maxRetries: 0 })
const older = (environment: string) => new CohereClient({ token, environment, maxRetries: 0 })

const messages = [{ role: 'user' as const, content: 'Name a sea.' }]
const ask = { model: 'command-a-03-2025', messages }
const askOlder = { model: 'command-r-08-2024', message: 'Name a sea.' }
const samples = loadSamples('cohere')
const of = (path: string, streamed: boolean) =>
  samples.filter(
    ({ name, request, response }) =>
      request.path === path && response.status === 200 && !response.cut && name.endsWith('-stream') === streamed,
  )

interface Seen {
  text: string
  reasoning: string
  calls: { name: string; arguments: unknown }[]
  reason: string | null
  tokens: { input: number | null; output: number | null; billedInput: number | null; billedOutput: number | null }
}

interface Counts {
  tokens?: { inputTokens?: number; outputTokens?: number }
  billedUnits?: { inputTokens?: number; outputTokens?: number }
}

const tokensOf = (usage: Counts | undefined): Seen['tokens'] => ({
  input: usage?.tokens?.inputTokens ?? null,
  output: usage?.tokens?.outputTokens ?? null,
  billedInput: usage?.billedUnits?.inputTokens ?? null,
  billedOutput: usage?.billedUnits?.outputTokens ?? null,
})

/** Our record says what the SDK's objects say. */
function expectAgreement({ telemetry: { metadata }, run }: RunDetail, seen: Seen): void {
  const calls = (run.tool_calls as { name: string; arguments: string }[]).map((call) => ({
    name: call.name,
    arguments: JSON.parse(call.arguments) as unknown,
  }))
  expect({
    text: (run.choices[0] as { text?: string } | undefined)?.text ?? '',
    reasoning: run.reasoning ?? '',
  }).toEqual({
    text: seen.text,
    reasoning: seen.reasoning,
  })
  expect(calls).toEqual(seen.calls)
  expect(run.finish_reason_raw).toBe(seen.reason)
  if (seen.tokens.input === null) return expect(metadata.token_source).not.toBe('reported')
  const { input, output, billed_input: billedInput, billed_output: billedOutput } = metadata.usage!
  expect({ input, output, billedInput, billedOutput }).toEqual(seen.tokens)
}

describe('what the SDK of Cohere makes of an answer is what the record says', () => {
  let ways: SamplesBothWays
  beforeAll(async () => {
    ways = await samplesBothWays(['cohere'])
  })
  afterAll(() => ways.stop())

  it.each(of('/v2/chat', false))('$name', async (sample) => {
    const { value, record } = await ways.same(sample.name, async (url) => {
      const { message, finishReason, usage } = await newer(url).chat(ask)
      const content = message.content ?? []
      return {
        text: content.map((part) => (part.type === 'text' ? part.text : '')).join(''),
        reasoning: [message.toolPlan, ...content.map((part) => (part.type === 'thinking' ? part.thinking : ''))].join(
          '',
        ),
        calls: (message.toolCalls ?? []).map((call) => ({
          name: call.function?.name ?? '',
          arguments: JSON.parse(call.function?.arguments ?? '') as unknown,
        })),
        reason: finishReason,
        tokens: tokensOf(usage),
      }
    })
    expectAgreement(record, value)
    expect(record.telemetry.metadata).toMatchObject({ provider: 'cohere', operation: 'chat', stream: false })
  })

  it.each(of('/v2/chat', true))('$name', async (sample) => {
    const { value, record } = await ways.same(sample.name, async (url) => {
      const seen: Seen = { text: '', reasoning: '', calls: [], reason: null, tokens: tokensOf(undefined) }
      const given: string[] = []
      for await (const event of await newer(url).chatStream(ask)) {
        if (event.type === 'content-delta') {
          seen.text += event.delta?.message?.content?.text ?? ''
          seen.reasoning += event.delta?.message?.content?.thinking ?? ''
        } else if (event.type === 'tool-plan-delta') seen.reasoning += event.delta?.message?.toolPlan ?? ''
        else if (event.type === 'tool-call-start') {
          seen.calls.push({ name: event.delta?.message?.toolCalls?.function?.name ?? '', arguments: null })
          given.push('')
        } else if (event.type === 'tool-call-delta')
          given[event.index ?? 0] += event.delta?.message?.toolCalls?.function?.arguments ?? ''
        else if (event.type === 'message-end') {
          seen.reason = event.delta?.finishReason ?? null
          seen.tokens = tokensOf(event.delta?.usage)
        }
      }
      seen.calls = seen.calls.map((call, place) => ({ ...call, arguments: JSON.parse(given[place]!) as unknown }))
      return seen
    })
    expectAgreement(record, value)
    expect(record.telemetry.metadata.stream).toBe(true)
  })

  it.each(of('/v1/chat', false))('$name', async (sample) => {
    const { value, record } = await ways.same(sample.name, async (url) => older(url).chat(askOlder))
    expectAgreement(record, {
      text: value.text,
      reasoning: '',
      calls: (value.toolCalls ?? []).map((call) => ({ name: call.name, arguments: call.parameters })),
      reason: value.finishReason ?? null,
      tokens: tokensOf(value.meta),
    })
  })

  // this SDK reads lines only
  const inLines = (sample: Sample) => sample.response.headers.some(([, value]) => value === 'application/stream+json')
  it.each(of('/v1/chat', true).filter(inLines))('$name', async (sample) => {
    const { value, record } = await ways.same(sample.name, async (url) =>
      collect(await older(url).chatStream(askOlder)),
    )
    const end = value.find((event) => event.eventType === 'stream-end')!
    expectAgreement(record, {
      text: value.map((event) => (event.eventType === 'text-generation' ? event.text : '')).join(''),
      reasoning: '',
      calls: [],
      reason: end.finishReason,
      tokens: tokensOf(end.response.meta),
    })
  })
})

describe('the SDK of Cohere gets through the proxy what it gets without it', () => {
  let ways: SamplesBothWays
  beforeAll(async () => {
    ways = await samplesBothWays(['cohere'])
  })
  afterAll(() => ways.stop())

  it('for embeddings of both versions', async () => {
    const { value, record } = await ways.same('cohere/embed', (url) =>
      newer(url).embed({
        model: 'embed-v4.0',
        texts: ['a sea', 'a lake'],
        inputType: 'search_document',
        embeddingTypes: ['float', 'int8'],
      }),
    )
    expect(value.embeddings.float).toHaveLength(2)
    expect(record.telemetry.metadata).toMatchObject({
      operation: 'embeddings',
      model_requested: 'embed-v4.0',
      prompt_tokens: value.meta?.billedUnits?.inputTokens,
    })
    const first = await ways.same('cohere/v1-embed', (url) =>
      older(url).embed({ model: 'embed-english-v3.0', texts: ['a sea'] }),
    )
    expect(first.record.telemetry.metadata.operation).toBe('embeddings')
  })

  it('for a rerank, which is paid by the search', async () => {
    const query = { model: 'rerank-v3.5', query: 'warm seas', documents: ['The Coral Sea is warm.', 'Soup is warm.'] }
    const { value, record } = await ways.same('cohere/rerank', (url) => newer(url).rerank(query))
    expect(record.telemetry.metadata).toMatchObject({
      operation: 'rerank',
      token_source: 'reported',
      prompt_tokens: null,
      usage: { search_units: value.meta?.billedUnits?.searchUnits },
      cost_usd: 0.002,
    })
    expect(record.run.messages).toMatchObject([
      { role: 'user', text: 'warm seas' },
      { role: 'document', text: 'The Coral Sea is warm.' },
      { role: 'document', text: 'Soup is warm.' },
    ])
  })

  it('for counts of tokens and lists of models', async () => {
    const counted = await ways.same('cohere/tokenize', (url) =>
      older(url).tokenize({ model: 'command-a-03-2025', text: 'a sea' }),
    )
    expect(counted.record.telemetry.metadata).toMatchObject({ operation: 'count_tokens', total_tokens: null })
    const listed = await ways.same('cohere/models', (url) => older(url).models.list())
    expect(listed.record.telemetry.metadata.operation).toBe('models')
  })

  it('for an error: the same class, status and message', async () => {
    const { value, record } = await ways.same('cohere/error-token', async (url) => {
      const { rawResponse: _differs, ...failure } = await failureOf(newer(url).chat(ask))
      return failure
    })
    expect(value).toMatchObject({ statusCode: 401 })
    expect(record.telemetry.metadata).toMatchObject({
      outcome: 'upstream_error_http',
      error_message: 'invalid api token',
    })
  })

  it('for a connection that breaks in the stream: the same events, then a failure', async () => {
    const { value, record } = await ways.same('cohere/chat-cut-stream', async (url) => {
      const seen: unknown[] = []
      const read = async () => {
        for await (const event of await newer(url).chatStream(ask)) seen.push(event)
      }
      const { class: name } = await failureOf(read())
      return { seen, name }
    })
    expect(value.seen).toHaveLength(3)
    expect(record.telemetry.metadata).toMatchObject({ outcome: 'upstream_cut', success: false })
  })
})
