import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../src/formats/anthropic-messages/format.ts'
import type { Decoded } from '../../src/formats/decoder.ts'

const streamed = (...events: unknown[]): Decoded => {
  const decoder = anthropicMessages.decoder(anthropicMessages.readRequest({}), {})
  for (const [index, event] of events.entries()) decoder.push(event, index, null)
  return decoder.finish()
}

const whole = (value: unknown): Decoded => {
  const decoder = anthropicMessages.decoder(anthropicMessages.readRequest({}), {})
  decoder.whole(value, 0)
  return decoder.finish()
}

const start = (usage: unknown) => ({ type: 'message_start', message: { id: 'msg_1', model: 'claude', usage } })
const delta = (usage: unknown, stop_reason: string | null = null) => ({
  type: 'message_delta',
  delta: { stop_reason },
  usage,
})
const block = (index: number, content_block: unknown) => ({ type: 'content_block_start', index, content_block })
const piece = (index: number, partial_json: string) => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'input_json_delta', partial_json },
})

describe('an answer of the Messages API', () => {
  it('adds what the cache held and took to the input, and keeps both apart', () => {
    const { usage } = whole({
      type: 'message',
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 200,
        cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 4 },
        output_tokens: 5,
      },
    })
    expect(usage).toMatchObject({
      input: 244,
      inputUncached: 10,
      cacheRead: 200,
      cacheWrite: 34,
      cacheWrite1h: 4,
      output: 5,
    })
  })

  it('takes the last value of each counter and adds nothing up', () => {
    const { usage, rawUsage } = streamed(
      start({ input_tokens: 43, cache_read_input_tokens: 7, output_tokens: 1, service_tier: 'standard' }),
      delta({ output_tokens: 20, cache_read_input_tokens: null }),
      delta({ input_tokens: 61, output_tokens: 30 }),
    )
    expect(usage).toMatchObject({ input: 68, inputUncached: 61, cacheRead: 7, output: 30 })
    expect(rawUsage).toMatchObject({ input_tokens: 61, cache_read_input_tokens: 7, output_tokens: 30 })
  })

  it('does not take the placeholder of message_start for the output', () => {
    expect(streamed(start({ input_tokens: 12, output_tokens: 1 })).usage).toMatchObject({ input: 12, output: null })
  })

  it('knows no input from a server that only guessed it before the stream broke', () => {
    const decoder = anthropicMessages.decoder(anthropicMessages.readRequest({}), { guessesInput: true })
    decoder.push(start({ input_tokens: 3, output_tokens: 0 }), 0, null)
    expect(decoder.finish().usage).toBeNull()
    decoder.push(delta({ input_tokens: 21, output_tokens: 2 }), 1, null)
    expect(decoder.finish().usage).toMatchObject({ input: 21, output: 2 })
  })

  it('lets a repeated message_start change nothing', () => {
    const { usage } = streamed(
      start({ input_tokens: 3 }),
      delta({ input_tokens: 9, output_tokens: 2 }),
      start({ input_tokens: 3 }),
    )
    expect(usage).toMatchObject({ input: 9, output: 2 })
  })

  it('has no usage when only zeros were reported', () => {
    expect(streamed(start({ input_tokens: 0, output_tokens: 0 }), delta({ output_tokens: 0 })).usage).toBeNull()
  })

  it('knows every stop reason', () => {
    const reasons = {
      end_turn: 'stop',
      stop_sequence: 'stop',
      max_tokens: 'length',
      model_context_window_exceeded: 'length',
      tool_use: 'tool_calls',
      pause_turn: 'pause',
      refusal: 'content_filter',
    }
    for (const [raw, reason] of Object.entries(reasons)) {
      const decoded = streamed(delta({ output_tokens: 1 }, raw))
      expect([decoded.finishReason, decoded.choices[0]?.finishReasonRaw]).toEqual([reason, raw])
    }
  })

  it('keeps interleaved blocks apart, in whatever order they end', () => {
    const { choices } = streamed(
      block(0, { type: 'tool_use', id: 'a', name: 'f' }),
      block(1, { type: 'tool_use', id: 'b', name: 'g', input: {} }),
      piece(1, '{"y":'),
      piece(0, '{"x":1}'),
      { type: 'content_block_stop', index: 1 },
      piece(1, '2}'),
    )
    expect(choices[0]?.toolCalls).toEqual([
      { id: 'a', name: 'f', arguments: '{"x":1}' },
      { id: 'b', name: 'g', arguments: '{"y":2}' },
    ])
  })

  it('reads an input that comes whole with its block once', () => {
    const { choices } = streamed(
      block(0, { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } }),
      piece(0, '{"x":1}'),
    )
    expect(choices[0]?.toolCalls).toEqual([{ id: 'a', name: 'f', arguments: '{"x":1}' }])
  })

  it('writes a tool without arguments as an empty object, and as nothing where nothing was generated', () => {
    const call = { type: 'tool_use', id: 'a', name: 'f', input: {} }
    expect(whole({ type: 'message', content: [call] }).choices[0]?.toolCalls[0]?.arguments).toBe('{}')
    expect(streamed(block(0, call), piece(0, '')).choices[0]?.toolCalls[0]?.arguments).toBe('')
  })

  it('keeps the bill of a vendor that sends one', () => {
    const { usage } = streamed(start({ input_tokens: 1 }), delta({ output_tokens: 2, cost: 0.00012 }, 'end_turn'))
    expect(usage?.costReportedUsd).toBe('0.00012')
  })

  it('keeps the tier that served it', () => {
    expect(streamed(start({ input_tokens: 1, service_tier: 'priority' })).serviceTier).toBe('priority')
  })

  it('takes the [DONE] of a gateway for an end', () => {
    const decoder = anthropicMessages.decoder(anthropicMessages.readRequest({}), {})
    expect(decoder.finish().terminated).toBe(false)
    decoder.done(1)
    expect(decoder.finish().terminated).toBe(true)
  })

  it('times a compaction, which is generated, and keeps it out of the text', () => {
    const compaction = { type: 'content_block_delta', index: 0, delta: { type: 'compaction_delta', content: 'so far' } }
    const decoded = streamed(block(0, { type: 'compaction' }), compaction)
    expect(decoded).toMatchObject({ firstContentAtMs: 1, firstAnswerAtMs: null, choices: [] })
  })

  it('names the model that took over', () => {
    expect(streamed(start({}), block(0, { type: 'fallback', to: { model: 'claude-other' } })).model).toBe(
      'claude-other',
    )
  })

  it('times neither signatures nor citations nor results of the server', () => {
    const passing = [
      { type: 'ping' },
      block(0, { type: 'thinking', thinking: '', signature: '' }),
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'abc' } },
      block(1, { type: 'web_search_tool_result', content: [{ type: 'web_search_result', title: 'x' }] }),
      { type: 'content_block_delta', index: 2, delta: { type: 'citations_delta', citation: {} } },
      { type: 'content_block_delta', index: 2, delta: { type: 'text_delta', text: '' } },
      piece(3, ''),
    ]
    expect(streamed(...passing)).toMatchObject({ firstContentAtMs: null, contentEvents: 0 })
    expect(streamed(...passing, block(4, { type: 'redacted_thinking', data: 'x' })).firstContentAtMs).toBe(
      passing.length,
    )
  })

  it('reads an event by its name when its data has no type', () => {
    const decoder = anthropicMessages.decoder(anthropicMessages.readRequest({}), {})
    decoder.push({}, 1, 'message_stop')
    expect(decoder.finish().terminated).toBe(true)
  })

  it('reads whatever it is fed without throwing', () => {
    const type = fc.constantFrom(
      'message_start',
      'content_block_start',
      'content_block_delta',
      'message_delta',
      'message',
      'error',
      'constructor',
      '__proto__',
    )
    const odd = fc.record(
      {
        type,
        index: fc.jsonValue(),
        message: fc.jsonValue(),
        content: fc.jsonValue(),
        content_block: fc.record({ type: fc.constantFrom('text', 'tool_use', 'toString'), input: fc.jsonValue() }),
        delta: fc.record({ type: fc.constantFrom('text_delta', 'input_json_delta'), text: fc.jsonValue() }),
        usage: fc.jsonValue(),
        error: fc.jsonValue(),
      },
      { requiredKeys: ['type'] },
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.jsonValue()), { maxLength: 6 }), (values) => {
        expect(streamed(...values)).toHaveProperty('choices')
        for (const value of values) {
          expect(whole(value).terminated).toBe(true)
          anthropicMessages.readRequest(value)
        }
      }),
    )
  })
})

describe('a request to the Messages API', () => {
  it('puts the system prompt first and results of tools where they stand', () => {
    const data = Buffer.alloc(12_000).toString('base64')
    const facts = anthropicMessages.readRequest({
      model: 'claude',
      system: [
        { type: 'text', text: 'Be' },
        { type: 'text', text: 'brief.' },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
            { type: 'image', source: { type: 'url', url: 'https://example.org/sea.png' } },
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'look', input: { far: true } }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'a sea' }] },
            { type: 'text', text: 'And now?' },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't2', content: 'a land' }] },
      ],
    })
    expect(facts.messages).toMatchObject([
      { role: 'system', text: 'Be\nbrief.' },
      {
        role: 'user',
        text: 'Look:\n[image 12 kB]\n[image link]\n[document 12 kB]',
        images: [{ bytes: 12_000, url: false }, { url: true }],
      },
      { role: 'assistant', text: '', toolCalls: [{ id: 't1', name: 'look', arguments: '{"far":true}' }] },
      { role: 'tool', text: 'a sea', toolCallId: 't1' },
      { role: 'user', text: 'And now?' },
      { role: 'tool', text: 'a land', toolCallId: 't2' },
    ])
    expect(facts.messages).toHaveLength(6)
  })

  it('says its parameters in the common vocabulary', () => {
    const facts = anthropicMessages.readRequest({
      stream: true,
      max_tokens: 99,
      temperature: 0.5,
      top_k: 5,
      stop_sequences: ['END'],
      service_tier: 'auto',
      thinking: { type: 'enabled', budget_tokens: 1024 },
      output_config: { format: { type: 'json_schema' } },
      tools: [
        { name: 'look', input_schema: {} },
        { type: 'web_search_20250305', name: 'web_search' },
      ],
      tool_choice: { type: 'tool', name: 'look', disable_parallel_tool_use: true },
      metadata: { user_id: 'u-1' },
    })
    expect(facts).toMatchObject({ stream: true, endUser: 'u-1', toolNames: ['look', 'web_search'] })
    expect(facts.parameters).toMatchObject({
      max_tokens: 99,
      temperature: 0.5,
      top_k: 5,
      stop: ['END'],
      service_tier: 'auto',
      reasoning_effort: 'enabled',
      response_format: 'json_schema',
      tool_choice: 'tool:look',
      parallel_tool_calls: false,
    })
  })

  it('is no stream unless it says so, and malformed when it was no JSON object', () => {
    expect(anthropicMessages.readRequest({}).stream).toBe(false)
    expect(anthropicMessages.readRequest(null).malformed).toBe(true)
  })
})
