import { describe, expect, it } from 'vitest'
import type { Decoded } from '../../src/formats/decoder.ts'
import { openaiResponses } from '../../src/formats/openai-responses/format.ts'
import { loadSample } from '../support/samples.ts'

/** The events, each at its place as its time. */
function decoded(events: readonly unknown[], body: object = {}): Decoded {
  const decoder = openaiResponses.decoder(openaiResponses.readRequest({ model: 'm', stream: true, ...body }), {})
  for (const [place, event] of events.entries()) decoder.push(event, place, null)
  return decoder.finish()
}

function whole(answer: unknown): Decoded {
  const decoder = openaiResponses.decoder(openaiResponses.readRequest({ model: 'm' }), {})
  decoder.whole(answer, 1)
  return decoder.finish()
}

const response = (output: unknown[], rest: object = {}): object => ({
  object: 'response',
  id: 'r',
  status: 'completed',
  output,
  ...rest,
})
const completed = (output: unknown[], rest: object = {}): object => ({
  type: 'response.completed',
  response: response(output, rest),
})
const message = (text: string): object => ({ id: 'm1', type: 'message', content: [{ type: 'output_text', text }] })
const delta = (text: unknown, rest: object = {}): object => ({
  type: 'response.output_text.delta',
  item_id: 'm1',
  output_index: 0,
  content_index: 0,
  delta: text,
  ...rest,
})

describe('a stream of a response', () => {
  it('without an event that was lost says all that the last one repeats', () => {
    expect(decoded([delta('The '), completed([message('The Kattegat')])]).choices).toMatchObject([
      { text: 'The Kattegat' },
    ])
    expect(decoded([delta('The '), delta('Kattegat')])).toMatchObject({
      choices: [{ text: 'The Kattegat', finishReason: null }],
      terminated: false,
    })
  })

  it('whose last event repeats nothing says what the others said', () => {
    expect(decoded([delta('The '), delta('Kattegat'), completed([])]).choices).toMatchObject([{ text: 'The Kattegat' }])
  })

  it('begins with the first event that holds something generated', () => {
    const first = (...events: object[]) => decoded(events).firstContentAtMs
    expect(first({ type: 'response.created', response: response([], { status: 'in_progress' }) }, delta(''))).toBeNull()
    expect(first(delta(''), delta(' '))).toBe(1)
    expect(first({ type: 'response.web_search_call.searching', output_index: 0 }, delta('x'))).toBe(1)
    const call = { type: 'function_call', name: 'f', arguments: '' }
    expect(first({ type: 'response.output_item.added', output_index: 0, item: call })).toBe(0)
    const click = { type: 'computer_call', action: { type: 'click' } }
    expect(first({ type: 'response.output_item.done', output_index: 0, item: click })).toBe(0)
    expect(
      first(
        { type: 'response.output_item.added', output_index: 0, item: { ...click, status: 'in_progress' } },
        { type: 'response.output_item.done', output_index: 0, item: click },
      ),
    ).toBe(1)
    expect(first(completed([message('all at once')]))).toBe(0)
  })

  it('tells the visible answer from what comes before it', () => {
    const thought = { type: 'response.reasoning_text.delta', output_index: 0, content_index: 0, delta: 'hm' }
    const seen = decoded([thought, delta('Hi', { output_index: 1, item_id: 'm2' })])
    expect(seen).toMatchObject({ firstContentAtMs: 0, firstAnswerAtMs: 1, choices: [{ reasoning: 'hm', text: 'Hi' }] })
  })

  it('with sound tells its transcript, and how much it was', () => {
    const seen = decoded([
      { type: 'response.audio.transcript.delta', delta: 'The ' },
      { type: 'response.audio.delta', delta: 'AAAA' },
      { type: 'response.audio.transcript.delta', delta: 'sea' },
      { type: 'response.audio.delta', delta: 'AAAA' },
      { type: 'response.audio.done' },
    ])
    expect(seen).toMatchObject({ contentEvents: 4, choices: [{ text: 'The sea', parts: ['[audio 6 B]'] }] })
  })

  it('is of the tier that was served at the end', () => {
    const created = { type: 'response.created', response: response([], { status: 'queued', service_tier: 'auto' }) }
    expect(decoded([created, completed([], { service_tier: 'priority' })]).serviceTier).toBe('priority')
  })

  it('passes events by that nobody knows, and values of wrong types', () => {
    const odd = [
      { type: 'response.unheard_of.delta', delta: 'x' },
      { type: 'response.output_text.delta' },
      { type: 'response.output_item.added', output_index: 0, item: 7 },
      { type: 'response.output_item.done', output_index: -1, item: null },
      { type: 'response.completed', response: 'done' },
      delta(7),
      delta({ a: 1 }, { output_index: '0', item_id: 3 }),
      { type: 7, response: { output: 'x', usage: [] } },
    ]
    expect(() => decoded(odd)).not.toThrow()
    expect(decoded([...odd, delta('Hi', { output_index: 5 })]).choices[0]?.text).toContain('Hi')
  })

  it('with thousands of items and huge places stays small', () => {
    const events = Array.from({ length: 5000 }, (_, place) =>
      delta('x', { output_index: place * 800_000, item_id: `m${place}` }),
    )
    const seen = decoded(events)
    expect(seen.choices[0]?.text).toHaveLength(512)
    expect(seen.contentEvents).toBe(512)
  })
})

describe('the end of a response', () => {
  const f = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
  it.each<[string, object, string | null, string | null]>([
    ['a message', response([message('x')]), 'stop', 'completed'],
    ['a call', response([f]), 'tool_calls', 'completed'],
    ['a call among others', response([f, message('x')]), 'tool_calls', 'completed'],
    [
      'a patch to make',
      response([{ type: 'apply_patch_call', operation: { type: 'delete_file' } }]),
      'tool_calls',
      'completed',
    ],
    [
      'a permission to give',
      response([{ type: 'mcp_approval_request', name: 'x', arguments: '{}' }]),
      'tool_calls',
      'completed',
    ],
    ['a search of the vendor', response([{ type: 'web_search_call' }]), 'stop', 'completed'],
    [
      'too long',
      response([], { status: 'incomplete', incomplete_details: { reason: 'max_tokens' } }),
      'length',
      'max_tokens',
    ],
    ['no reason', response([], { status: 'incomplete', incomplete_details: null }), 'length', 'incomplete'],
    [
      'filtered',
      response([], { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }),
      'content_filter',
      'content_filter',
    ],
    ['failed', response([], { status: 'failed', error: { code: 'server_error', message: 'no' } }), 'error', 'failed'],
    ['cancelled', response([], { status: 'cancelled' }), 'cancelled', 'cancelled'],
    ['not yet', response([], { status: 'queued' }), null, null],
  ])('with %s', (_name, answer, reason, raw) => {
    const { choices, finishReason } = whole(answer)
    expect([finishReason, choices[0]?.finishReasonRaw ?? null]).toEqual([reason, raw])
  })

  it('that is still to come is pending, and nobody guesses its tokens', () => {
    expect(whole(response([], { status: 'queued', background: true }))).toMatchObject({
      pending: true,
      background: true,
    })
    const begun = { type: 'response.in_progress', response: response([], { status: 'in_progress', background: true }) }
    expect(decoded([begun, delta('The ')])).toMatchObject({ pending: true, choices: [{ text: 'The ' }] })
    // without `background` a stream that breaks off is over
    const other = { type: 'response.in_progress', response: response([], { status: 'in_progress' }) }
    expect(decoded([other, delta('The ')])).toMatchObject({ pending: false, background: false })
  })
})

describe('searches of the web', () => {
  const search = (action?: object): object => ({ type: 'web_search_call', ...(action ? { action } : {}) })
  it('are counted, pages that were opened are not', () => {
    const items = [
      search({ type: 'search' }),
      search({ type: 'open_page' }),
      search({ type: 'find_in_page' }),
      search(),
    ]
    const { usage } = whole(response(items, { usage: { input_tokens: 9, output_tokens: 2 } }))
    expect(usage).toMatchObject({ input: 9, output: 2, webSearches: 2 })
    expect(
      whole(response([message('x')], { usage: { input_tokens: 9, output_tokens: 2 } })).usage?.webSearches,
    ).toBeNull()
  })
})

describe('a request for a response', () => {
  const read = (body: object) => openaiResponses.readRequest({ model: 'm', ...body })

  it('tells the whole conversation, also what tools and earlier answers said', () => {
    const { messages } = read({
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: 'Hi' },
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look:' },
            { type: 'input_image', image_url: `data:image/png;base64,${'A'.repeat(16_000)}`, detail: 'low' },
            { type: 'input_image', file_id: 'file-1' },
            { type: 'input_file', file_data: 'AAAA' },
          ],
        },
        { type: 'reasoning', id: 'rs', summary: [{ type: 'summary_text', text: 'hm' }] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Well.' }] },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' },
        { type: 'function_call_output', call_id: 'c1', output: '42' },
        { type: 'custom_tool_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'rows' }] },
        {
          type: 'computer_call_output',
          call_id: 'c3',
          output: { type: 'computer_screenshot', image_url: 'https://x.test/1.png' },
        },
        { type: 'item_reference', id: 'msg_9' },
      ],
    })
    expect(messages.map(({ role, text }) => [role, text])).toEqual([
      ['system', 'Be brief.'],
      ['user', 'Hi'],
      ['user', 'Look:\n[image 12 kB]\n[image]\n[file 3 B]'],
      ['assistant', '[reasoning 2 B]'],
      ['assistant', 'Well.'],
      ['assistant', ''],
      ['tool', '42'],
      ['tool', 'rows'],
      ['tool', '[image link]'],
      ['assistant', '[item_reference]'],
    ])
    expect(messages[2]?.images).toEqual([{ bytes: 12_000, detail: 'low', url: false }])
    expect(messages[5]?.toolCalls).toEqual([{ id: 'c1', name: 'f', arguments: '{"a":1}' }])
    expect(messages[6]?.toolCallId).toBe('c1')
  })

  it('tells its parameters by the names of all formats', () => {
    expect(
      read({
        input: 'Hi',
        max_output_tokens: 9,
        text: { format: { type: 'json_schema', name: 'x' } },
        reasoning: { effort: 'high' },
        service_tier: 'flex',
        tools: [{ type: 'web_search', search_context_size: 'high' }],
      }),
    ).toMatchObject({
      messages: [{ role: 'user', text: 'Hi' }],
      toolNames: ['web_search'],
      parameters: {
        max_tokens: 9,
        response_format: 'json_schema',
        reasoning_effort: 'high',
        service_tier: 'flex',
      },
    })
    expect(read({ input: [7, null, { type: 7 }, { type: 'x_output' }] }).messages).toHaveLength(4)
    expect(openaiResponses.readRequest([])).toMatchObject({ malformed: true })
  })
})

it('an image that a tool made is told by its size alone', () => {
  const { response: answer } = loadSample('openai/responses-image-stream')
  const events = answer.pieces.flatMap(([, bytes]) =>
    bytes
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('data: ')),
  )
  const seen = decoded(events.map((line) => JSON.parse(line.slice(6))))
  expect(seen.choices).toMatchObject([{ text: '', parts: ['[image 608 B]'], toolCalls: [] }])
})
