import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cohereChat } from '../../src/formats/cohere-chat/format.ts'
import { cohereChatV1 } from '../../src/formats/cohere-chat-v1/format.ts'
import { cohereEmbed } from '../../src/formats/cohere-embed/format.ts'
import { rerank } from '../../src/formats/rerank/format.ts'
import { streamed, whole } from './decoded.ts'

describe('an answer of Cohere', () => {
  const usage = {
    tokens: { input_tokens: 507, output_tokens: 10 },
    billed_units: { input_tokens: 12, output_tokens: 7, search_units: 2 },
    cached_tokens: 448,
  }

  it('keeps what was processed and what is billed apart', () => {
    const decoded = whole(cohereChat, { id: 'c', message: {}, finish_reason: 'COMPLETE', usage })
    expect(decoded.usage).toMatchObject({
      input: 507,
      inputUncached: 59,
      cacheRead: 448,
      output: 10,
      billedInput: 12,
      billedOutput: 7,
      searchUnits: 2,
    })
    expect(decoded.rawUsage).toEqual(usage)
  })

  it('takes the bill for the counts where it is all there is', () => {
    const { usage: told } = whole(cohereChat, { usage: { billed_units: { input_tokens: 12, output_tokens: 7 } } })
    expect(told).toMatchObject({ input: 12, inputUncached: 12, output: 7, billedInput: 12, billedOutput: 7 })
    expect(whole(cohereChat, { usage: {} })).toMatchObject({ usage: null, tokenSource: 'none' })
  })

  it('begins with text, thinking, a plan or a call, and not with an empty part', () => {
    const event = (type: string, message: object) => ({ type, index: 0, delta: { message } })
    const first = (value: object): number | null => streamed(cohereChat, value).firstContentAtMs
    expect(first(event('message-start', { content: [], tool_plan: '' }))).toBeNull()
    expect(first(event('content-start', { content: { type: 'text', text: '' } }))).toBeNull()
    expect(first(event('citation-start', { citations: { text: 'a' } }))).toBeNull()
    expect(first(event('content-start', { content: { type: 'text', text: 'a' } }))).toBe(0)
    expect(first(event('content-delta', { content: { thinking: 'a' } }))).toBe(0)
    expect(first(event('tool-plan-delta', { tool_plan: 'a' }))).toBe(0)
    expect(first(event('tool-call-start', { tool_calls: { id: 'x', function: { name: 'f' } } }))).toBe(0)
  })

  it.each([
    ['COMPLETE', 'stop'],
    ['STOP_SEQUENCE', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['TOOL_CALL', 'tool_calls'],
    ['ERROR', 'error'],
    ['TIMEOUT', 'error'],
    ['ERROR_LIMIT', 'length'],
    ['ERROR_TOXIC', 'content_filter'],
    ['USER_CANCEL', 'cancelled'],
  ])('that ended for %s ended for %s', (finish_reason, reason) => {
    expect(streamed(cohereChat, { type: 'message-end', delta: { finish_reason } })).toMatchObject({
      finishReason: reason,
      terminated: true,
    })
    expect(streamed(cohereChatV1, { event_type: 'stream-end', finish_reason }).finishReason).toBe(reason)
  })

  it('of the older form takes nothing twice, and everything once', () => {
    const response = {
      text: 'ab',
      generation_id: 'g',
      finish_reason: 'COMPLETE',
      tool_calls: [{ name: 'f', parameters: { a: 1 } }],
      meta: { billed_units: { input_tokens: 1, output_tokens: 2 } },
    }
    const end = { event_type: 'stream-end', response }
    const [streamedChoice] = streamed(cohereChatV1, { event_type: 'text-generation', text: 'ab' }, end).choices
    const [endOnly] = streamed(cohereChatV1, end).choices
    const [wholeChoice] = whole(cohereChatV1, response).choices
    for (const choice of [streamedChoice, endOnly, wholeChoice])
      expect(choice).toMatchObject({
        text: 'ab',
        toolCalls: [{ name: 'f', arguments: '{"a":1}' }],
        finishReason: 'tool_calls',
        finishReasonRaw: 'COMPLETE',
      })
  })
})

describe('a request to Cohere', () => {
  it('has parameters of its own names', () => {
    const body = {
      model: 'm',
      p: 0.5,
      k: 4,
      stop_sequences: ['X'],
      thinking: { type: 'enabled' },
      stream: true,
      seed: 3,
    }
    expect(cohereChat.readRequest(body)).toMatchObject({
      model: 'm',
      stream: true,
      parameters: { top_p: 0.5, top_k: 4, stop: ['X'], reasoning_effort: 'enabled', seed: 3 },
    })
  })

  it('of the older form is its history and its message', () => {
    const { messages } = cohereChatV1.readRequest({
      preamble: 'Be brief.',
      chat_history: [
        { role: 'USER', message: 'a' },
        { role: 'CHATBOT', message: '', tool_calls: [{ name: 'f', parameters: { x: 1 } }] },
      ],
      message: 'b',
    })
    expect(messages.map(({ role, text }) => [role, text])).toEqual([
      ['system', 'Be brief.'],
      ['user', 'a'],
      ['chatbot', ''],
      ['user', 'b'],
    ])
    expect(messages[2]?.toolCalls).toEqual([{ id: null, name: 'f', arguments: '{"x":1}' }])
  })

  it('to embed counts texts, images and inputs', () => {
    const image = `data:image/png;base64,${'A'.repeat(4000)}`
    const facts = cohereEmbed.readRequest({
      texts: ['a', 'b'],
      images: [image, 5],
      inputs: [{ content: [{ type: 'text', text: 'c' }] }],
      output_dimension: 64,
    })
    expect(facts).toMatchObject({ inputs: 4, parameters: { dimensions: 64 } })
    expect(facts.messages.map((message) => message.text)).toEqual(['a', 'b', '[image 3 kB]', 'c'])
  })
})

describe('vectors of Cohere', () => {
  it('are counted once, whatever types were asked for', () => {
    const count = (embeddings: unknown) => whole(cohereEmbed, { embeddings }).embeddings
    expect(count([[1], [2]])).toBe(2)
    expect(count({ int8: [[1], [2], [3]], binary: [[1], [2], [3]] })).toBe(3)
    expect(count({})).toBeNull()
  })
})

describe('a rerank', () => {
  it.each([
    ['search units', { meta: { billed_units: { search_units: 3 } } }, { searchUnits: 3, input: null, output: null }],
    ['tokens of vLLM', { usage: { prompt_tokens: 9, total_tokens: 9 } }, { input: 9, output: null, totalReported: 9 }],
    ['tokens of Jina', { usage: { total_tokens: 9 } }, { input: 9, searchUnits: null }],
    ['tokens that Cohere bills', { meta: { billed_units: { input_tokens: 4 } } }, { input: 4, billedInput: 4 }],
  ])('may count %s', (_what, answer, usage) => {
    expect(whole(rerank, { results: [{ index: 0, relevance_score: 1 }], ...answer })).toMatchObject({
      usage,
      tokenSource: 'reported',
      terminated: true,
    })
  })

  it('may count nothing', () => {
    expect(whole(rerank, { results: [] })).toMatchObject({ usage: null, tokenSource: 'none', rawUsage: null })
    expect(whole(rerank, [{ index: 0, score: 1 }])).toMatchObject({ usage: null, error: null })
  })

  it('is its query and its documents', () => {
    const facts = rerank.readRequest({
      model: 'm',
      query: 'q',
      documents: ['a', { text: 'b' }, { title: 'c' }],
      top_n: 2,
    })
    expect(facts).toMatchObject({ model: 'm', inputs: 3, stream: false })
    expect(facts.messages.map(({ role, text }) => [role, text])).toEqual([
      ['user', 'q'],
      ['document', 'a'],
      ['document', 'b'],
      ['document', '{"title":"c"}'],
    ])
    const score = rerank.readRequest({ text_1: 'q', text_2: ['a', 'b'] })
    expect(score.messages.map(({ text }) => text)).toEqual(['q', 'a', 'b'])
    expect(rerank.readRequest(null)).toMatchObject({ malformed: true })
  })
})

it('reads whatever it is fed without throwing', () => {
  const odd = fc.record(
    {
      type: fc.constantFrom('content-delta', 'tool-call-start', 'message-end', 'content-start', 7),
      event_type: fc.constantFrom('text-generation', 'tool-calls-chunk', 'tool-calls-generation', 'stream-end', 7),
      delta: fc.oneof(fc.jsonValue(), fc.record({ message: fc.jsonValue(), usage: fc.jsonValue() })),
      response: fc.jsonValue(),
      tool_call_delta: fc.jsonValue(),
      message: fc.jsonValue(),
      usage: fc.jsonValue(),
      meta: fc.jsonValue(),
      embeddings: fc.jsonValue(),
      documents: fc.jsonValue(),
      chat_history: fc.jsonValue(),
      inputs: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(odd, fc.jsonValue()), { maxLength: 5 }), (values) => {
      for (const format of [cohereChat, cohereChatV1, cohereEmbed, rerank]) {
        expect(streamed(format, ...values)).toHaveProperty('choices')
        for (const value of values) {
          expect(whole(format, value)).toHaveProperty('choices')
          format.readRequest(value)
        }
      }
    }),
  )
})
