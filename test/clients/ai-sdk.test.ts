import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { embedMany, generateText, isStepCount, jsonSchema, type LanguageModel, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, failureOf, only } from './both-ways.ts'
import { type SampledWays, sampledWays } from './sampled-ways.ts'

// it warns on the console of what a model does not support
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

/** A tool by the name that the samples call, and its answer. */
const tools = {
  get_weather: tool({
    description: 'Weather of a city',
    inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }),
    execute: async ({ city }) => `21 degrees in ${city}`,
  }),
}
const prompt = 'Name a sea.'

async function whole(model: LanguageModel, more: object = {}): Promise<object> {
  const { text, reasoningText, steps, totalUsage, finishReason, response } = await generateText({
    model,
    prompt,
    maxRetries: 0,
    ...more,
  })
  return { text, reasoningText, steps, totalUsage, finishReason, response }
}

const streamed = (model: LanguageModel, more: object = {}): Promise<unknown[]> =>
  collect(streamText({ model, prompt, maxRetries: 0, onError: () => {}, ...more }).fullStream)

const twoSteps = { tools, stopWhen: isStepCount(2) }

describe('the AI SDK gets through the proxy what it gets without it', () => {
  let ways: SampledWays
  beforeAll(async () => {
    ways = await sampledWays(['openai', 'anthropic'])
  })
  afterAll(() => ways.stop())

  describe('with its OpenAI provider', () => {
    const openai = (url: string) => createOpenAI({ apiKey: 'sk-test-openai', baseURL: `${url}/v1` })
    const chat = (url: string): LanguageModel => openai(url).chat('gpt-4.1-nano')

    it('for a text, at once and streamed', async () => {
      const { value, records } = await ways.same(['openai/chat', 'openai/chat-stream-usage'], async (url) => ({
        whole: await whole(chat(url)),
        parts: await streamed(chat(url)),
      }))
      expect(value.whole).toMatchObject({ text: 'The Baltic Sea.', totalUsage: { outputTokens: 5 } })
      expect(value.parts.length).toBeGreaterThan(5)
      expect(
        records.map(({ run, telemetry: { metadata } }) => [run.completion, metadata.stream, metadata.outcome]),
      ).toEqual([
        ['The Baltic Sea.', false, 'ok'],
        ['The Kattegat 🌊', true, 'ok'],
      ])
      expect(records.map(({ telemetry }) => telemetry.metadata.token_source)).toEqual(['reported', 'reported'])
    })

    it('for tools, the whole round, at once and streamed', async () => {
      const { records } = await ways.same(
        ['openai/chat-tools', 'openai/chat', 'openai/chat-tools-stream', 'openai/chat-stream-usage'],
        async (url) => ({ whole: await whole(chat(url), twoSteps), parts: await streamed(chat(url), twoSteps) }),
      )
      expect(records.map(({ run }) => [run.finish_reason, run.tool_calls.length, run.tools])).toEqual([
        ['tool_calls', 1, ['get_weather']],
        ['stop', 0, ['get_weather']],
        ['tool_calls', 2, ['get_weather']],
        ['stop', 0, ['get_weather']],
      ])
      expect(records[1]!.run.messages).toContainEqual(
        expect.objectContaining({ role: 'tool', text: '21 degrees in Oslo' }),
      )
    })

    it('for the responses that it asks for by default', async () => {
      const { value, records } = await ways.same(['openai/responses-stream'], (url) =>
        streamed(openai(url)('gpt-4.1-nano')),
      )
      expect(JSON.stringify(value)).toContain('The Red Sea')
      expect(only(records).telemetry.metadata).toMatchObject({
        endpoint: '/v1/responses',
        status_code: 200,
        outcome: 'ok',
      })
    })

    it('for completions and embeddings', async () => {
      const { value, records } = await ways.same(['openai/completions-stream', 'openai/embeddings'], async (url) => ({
        parts: await streamed(openai(url).completion('gpt-3.5-turbo-instruct')),
        vectors: await embedMany({
          model: openai(url).embedding('text-embedding-3-small'),
          values: ['sea', 'land'],
          maxRetries: 0,
        }),
      }))
      expect(value.vectors.embeddings).toEqual([
        [0.5, -0.25, 0.125],
        [0.25, 0.5, -0.5],
      ])
      expect(records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.prompt_tokens])).toEqual([
        ['completion', 4],
        ['embeddings', 2],
      ])
    })

    it('for an error, and for a stream that ends in one', async () => {
      const { value, records } = await ways.same(
        ['openai/error-rate-limit', 'openai/chat-error-stream'],
        async (url) => ({
          refused: await failureOf(whole(chat(url))),
          parts: await streamed(chat(url)),
        }),
      )
      expect(value.refused).toMatchObject({ statusCode: 429 })
      expect(records.map(({ telemetry }) => telemetry.metadata.outcome)).toEqual([
        'upstream_error_http',
        'upstream_error_stream',
      ])
    })
  })

  describe('with its Anthropic provider', () => {
    const claude = (url: string): LanguageModel =>
      createAnthropic({ apiKey: 'sk-ant-test', baseURL: `${url}/v1` })('claude-sonnet-4-5')

    it('for a text, at once and streamed, and for thinking', async () => {
      const { value, records } = await ways.same(
        ['anthropic/messages', 'anthropic/messages-stream', 'anthropic/messages-thinking-stream'],
        async (url) => ({
          whole: await whole(claude(url)),
          parts: await streamed(claude(url)),
          thought: await streamed(claude(url)),
        }),
      )
      expect(value.whole).toMatchObject({ text: 'The Adriatic Sea.' })
      expect(
        records.map(({ run, telemetry: { metadata } }) => [
          metadata.provider,
          run.completion,
          metadata.completion_tokens,
        ]),
      ).toEqual([
        ['anthropic', 'The Adriatic Sea.', 8],
        ['anthropic', 'The Ligurian Sea 🌊', 7],
        ['anthropic', 'The Aegean Sea.', 61],
      ])
      expect(records[2]!.run.reasoning).toBeTruthy()
    })

    it('for tools, the whole round, at once and streamed', async () => {
      const { records } = await ways.same(
        [
          'anthropic/messages-tools',
          'anthropic/messages',
          'anthropic/messages-tools-stream',
          'anthropic/messages-stream',
        ],
        async (url) => ({ whole: await whole(claude(url), twoSteps), parts: await streamed(claude(url), twoSteps) }),
      )
      expect(records.map(({ run }) => [run.finish_reason, run.tool_calls.length])).toEqual([
        ['tool_calls', 1],
        ['stop', 0],
        ['tool_calls', 1],
        ['stop', 0],
      ])
    })

    it('for an error', async () => {
      const { value, records } = await ways.same(['anthropic/error-rate-limit'], (url) => failureOf(whole(claude(url))))
      expect(value).toMatchObject({ statusCode: 429 })
      expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: 429 })
    })
  })
})
