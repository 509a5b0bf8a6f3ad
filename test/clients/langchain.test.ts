import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { ChatOllama, OllamaEmbeddings } from '@langchain/ollama'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, failureOf, only } from './both-ways.ts'
import { type SampledWays, sampledWays } from './sampled-ways.ts'

const ask = [new SystemMessage('Be brief.'), new HumanMessage('Name a sea.')]
const weather = (name: string) => ({
  name,
  description: 'Weather of a city',
  schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
})

/** Asks with tools, runs the first call that comes back, and asks again with its result. */
async function round(model: BaseChatModel, name: string, streams: boolean): Promise<unknown[]> {
  const tooled = model.bindTools!([weather(name)])
  const said = async (messages: BaseMessage[]) => {
    if (!streams) return tooled.invoke(messages)
    const chunks = await collect(await tooled.stream(messages))
    return chunks.reduce((sum, chunk) => sum.concat(chunk))
  }
  const first = await said(ask)
  const results = first.tool_calls!.map(({ id }) => new ToolMessage({ content: '21 degrees', tool_call_id: id ?? '' }))
  return [first, await said([...ask, first, ...results])]
}

describe('LangChain gets through the proxy what it gets without it', () => {
  let ways: SampledWays
  beforeAll(async () => {
    ways = await sampledWays(['openai', 'anthropic', 'ollama'])
  })
  afterAll(() => ways.stop())

  const openai = (url: string): BaseChatModel =>
    new ChatOpenAI({ model: 'gpt-4.1-nano', apiKey: 'sk-test', maxRetries: 0, configuration: { baseURL: `${url}/v1` } })
  const claude = (url: string): BaseChatModel =>
    new ChatAnthropic({ model: 'claude-sonnet-4-5', apiKey: 'sk-ant-test', maxRetries: 0, anthropicApiUrl: url })
  const ollama = (url: string): BaseChatModel => new ChatOllama({ model: 'tiny', baseUrl: url, maxRetries: 0 })

  it.each([
    ['OpenAI', openai, ['openai/chat', 'openai/chat-stream-usage'], ['The Baltic Sea.', 'The Kattegat 🌊']],
    [
      'Anthropic',
      claude,
      ['anthropic/messages', 'anthropic/messages-stream'],
      ['The Adriatic Sea.', 'The Ligurian Sea 🌊'],
    ],
    [
      'Ollama',
      ollama,
      ['ollama/chat-stream', 'ollama/chat-stream'],
      Array(2).fill(' The sea covers most of our planet and keeps its secrets well. 🌊'),
    ],
  ])('from %s, for a text, at once and streamed', async (_vendor, model, samples, texts) => {
    const { value, records } = await ways.same(samples, async (url) => ({
      whole: await model(url).invoke(ask),
      chunks: await collect(await model(url).stream(ask)),
    }))
    expect(JSON.stringify(value.whole)).toContain(texts[0])
    expect(value.chunks.length).toBeGreaterThan(2)
    expect(records.map(({ run }) => run.completion)).toEqual(texts)
    for (const { telemetry } of records)
      expect(telemetry.metadata).toMatchObject({ outcome: 'ok', token_source: 'reported', operation: 'chat' })
  })

  it.each([
    ['OpenAI', openai, 'get_weather', false, ['openai/chat-tools', 'openai/chat']],
    ['OpenAI, streamed', openai, 'get_weather', true, ['openai/chat-tools-stream', 'openai/chat-stream-usage']],
    ['Anthropic', claude, 'get_weather', false, ['anthropic/messages-tools', 'anthropic/messages']],
    [
      'Anthropic, streamed',
      claude,
      'get_weather',
      true,
      ['anthropic/messages-tools-stream', 'anthropic/messages-stream'],
    ],
    ['Ollama', ollama, 'weather', false, ['ollama/chat-tools-stream', 'ollama/chat-tool-result-stream']],
    ['Ollama, streamed', ollama, 'weather', true, ['ollama/chat-tools-stream', 'ollama/chat-tool-result-stream']],
  ])('from %s, for tools, the whole round', async (_vendor, model, name, streams, samples) => {
    const { records } = await ways.same(samples, (url) => round(model(url), name, streams))
    expect(records).toHaveLength(2)
    expect(records[0]!.run.tool_calls).toContainEqual(expect.objectContaining({ name }))
    expect(records[0]!.run.tools).toEqual([name])
    expect(records[1]!.run.messages).toContainEqual(expect.objectContaining({ role: 'tool', text: '21 degrees' }))
    expect(records[1]!.run.tool_calls).toEqual([])
  })

  it('from Anthropic, for thinking', async () => {
    const { records } = await ways.same(['anthropic/messages-thinking-stream'], async (url) =>
      collect(await claude(url).stream(ask)),
    )
    const { run } = only(records)
    expect(run.reasoning).toBeTruthy()
    expect(run.completion).toBe('The Aegean Sea.')
  })

  it('from OpenAI and Ollama, for embeddings', async () => {
    const { value, records } = await ways.same(['openai/embeddings', 'ollama/embed'], async (url) => ({
      openai: await new OpenAIEmbeddings({
        model: 'text-embedding-3-small',
        apiKey: 'sk-test',
        encodingFormat: 'float',
        configuration: { baseURL: `${url}/v1` },
      }).embedDocuments(['sea', 'land']),
      ollama: await new OllamaEmbeddings({ model: 'tiny', baseUrl: url }).embedDocuments(['the sea', 'the land']),
    }))
    expect(value.openai).toHaveLength(2)
    expect(value.ollama).toHaveLength(2)
    expect(records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.prompt_tokens])).toEqual([
      ['embeddings', 2],
      ['embeddings', 17],
    ])
  })

  it.each([
    ['OpenAI', openai, 'openai/error-rate-limit', 429],
    ['Anthropic', claude, 'anthropic/error-rate-limit', 429],
    ['Ollama', ollama, 'ollama/unknown-model', 404],
  ])('from %s, for an error', async (_vendor, model, sample, status) => {
    const { records } = await ways.same([sample], (url) => failureOf(model(url).invoke(ask)))
    expect(only(records).telemetry.metadata).toMatchObject({ outcome: 'upstream_error_http', status_code: status })
  })
})
