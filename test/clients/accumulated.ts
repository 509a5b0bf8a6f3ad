import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { arrayAt, countAt, numberAt, parseJson, stringAt } from '../../src/records/json.ts'

/** What a stream came to, in one form for us and for the SDKs. */
export interface Accumulated {
  /** By choice. */
  texts: readonly string[]
  refusals: readonly string[]
  reasoning: string
  /** Name and parsed arguments of each call, in order. */
  calls: readonly (readonly [name: string, given: unknown])[]
  usage: { input: number | null; output: number | null; cacheRead: number | null; reasoning: number | null } | null
}

/** A vendor's own SDK reads the stream that stands at this address, with its own accumulation; it throws where it refuses. */
export const accumulators: Readonly<Record<string, (url: string) => Promise<Accumulated>>> = {
  async 'openai-chat'(url) {
    const stream = openai(url).chat.completions.stream({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
    const { choices, usage } = await stream.finalChatCompletion()
    return {
      texts: choices.map(({ message }) => message.content ?? ''),
      refusals: choices.map(({ message }) => message.refusal ?? ''),
      reasoning: '',
      calls: choices
        .flatMap(({ message }) => message.tool_calls ?? [])
        .map((call) => [stringAt(call, 'function', 'name') ?? '', given(stringAt(call, 'function', 'arguments'))]),
      usage: usage
        ? {
            input: usage.prompt_tokens,
            output: usage.completion_tokens,
            cacheRead: usage.prompt_tokens_details?.cached_tokens ?? null,
            reasoning: usage.completion_tokens_details?.reasoning_tokens ?? null,
          }
        : null,
    }
  },

  async 'openai-responses'(url) {
    const response = await openai(url).responses.stream({ model: 'm', input: 'Hi' }).finalResponse()
    const { output, usage } = response
    const thoughts = output.flatMap((item) =>
      item.type === 'reasoning' ? (item.content?.length ? item.content : item.summary).map(({ text }) => text) : [],
    )
    const refusals = output.flatMap((item) => arrayAt(item, 'content')).map((part) => stringAt(part, 'refusal') ?? '')
    return {
      texts: [response.output_text],
      refusals: [refusals.join('')],
      reasoning: thoughts.join('\n\n'),
      calls: output.flatMap((item): [string, unknown][] =>
        item.type === 'function_call' || item.type === 'mcp_call'
          ? [[item.name, given(item.arguments)]]
          : item.type === 'custom_tool_call'
            ? [[item.name, item.input]]
            : [],
      ),
      usage: usage
        ? {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cacheRead: usage.input_tokens_details?.cached_tokens ?? null,
            reasoning: numberAt(usage, 'output_tokens_details', 'reasoning_tokens'),
          }
        : null,
    }
  },

  async 'anthropic-messages'(url) {
    const client = new Anthropic({ apiKey: 'sk-ant-test', baseURL: url, maxRetries: 0, timeout: 10_000 })
    const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] })
    const { content, usage } = await stream.finalMessage()
    const cached = [countAt(usage, 'cache_read_input_tokens'), countAt(usage, 'cache_creation_input_tokens')]
    return {
      texts: [content.map((block) => (block.type === 'text' ? block.text : '')).join('')],
      refusals: [''],
      reasoning: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
      calls: content.flatMap((block): [string, unknown][] =>
        block.type === 'tool_use' || block.type === 'server_tool_use' ? [[block.name, block.input]] : [],
      ),
      usage: {
        input: cached.reduce<number>((sum, count) => sum + (count ?? 0), usage.input_tokens),
        output: usage.output_tokens,
        cacheRead: cached[0] ?? null,
        reasoning: numberAt(usage, 'output_tokens_details', 'thinking_tokens'),
      },
    }
  },
}

const openai = (url: string): OpenAI =>
  new OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0, timeout: 10_000 })

/** Arguments as the value they stand for; text that is no JSON stays text. */
export const given = (text: string | null): unknown => (text === null ? null : (parseJson(text)?.value ?? text))
