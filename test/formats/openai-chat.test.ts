import { describe, expect, it } from 'vitest'
import { provider as groq } from '../../providers/groq/provider.ts'
import { provider as llamacpp } from '../../providers/llamacpp/provider.ts'
import { provider as openai } from '../../providers/openai/provider.ts'
import { provider as openrouter } from '../../providers/openrouter/provider.ts'
import { provider as vllm } from '../../providers/vllm/provider.ts'
import type { Decoded, DecodeHints } from '../../src/formats/decoder.ts'
import { openaiChat } from '../../src/formats/openai-chat/format.ts'
import type { Provider } from '../../src/records/provider.ts'
import { type FormatSample, formatSuite } from '../contract/format-suite.ts'

const ask = { model: 'm', stream: true, messages: [{ role: 'user', content: 'Hi' }] }

/** A stream of chunks as one sample: each event arrives 10 ms after the one before. */
function streamSample(name: string, provider: Provider, events: readonly string[], expected: object): FormatSample {
  return {
    name,
    provider,
    request: {
      method: 'POST',
      path: provider.routes[0]!.path,
      headers: [['content-type', 'application/json']],
      body: JSON.stringify(ask),
    },
    response: {
      status: 200,
      headers: [['content-type', 'text/event-stream']],
      pieces: events.map((event, index) => [(index + 1) * 10, event]),
    },
    expect: { operation: 'chat', format: 'openai-chat', framing: 'sse', readWhole: true, notes: [], ...expected },
  }
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const delta = (part: object, rest: object = {}): object => ({ choices: [{ index: 0, delta: part, ...rest }] })
const done = 'data: [DONE]\n\n'

formatSuite(
  streamSample(
    'a chat stream with usage',
    openai,
    [
      data({ id: 'c1', model: 'm-2025', ...delta({ role: 'assistant', content: '', refusal: null }), usage: null }),
      data({ id: 'c1', ...delta({ content: 'Hé' }), usage: null, obfuscation: 'Qup1' }),
      data({ id: 'c1', ...delta({ content: 'llo 👋' }) }) + data(delta({}, { finish_reason: 'stop' })),
      data({
        choices: [],
        usage: {
          prompt_tokens: 9,
          completion_tokens: 3,
          total_tokens: 12,
          prompt_tokens_details: { cached_tokens: 4 },
        },
      }) + done,
    ],
    {
      events: { events: 6, content_events: 2, bad_events: 0, comments: 0 },
      request: { model: 'm', stream: true },
      decoded: {
        responseId: 'c1',
        model: 'm-2025',
        finishReason: 'stop',
        terminated: true,
        tokenSource: 'reported',
        firstContentAtMs: 1020,
        lastContentAtMs: 1030,
        contentAtMs: [1020, 1030],
        choices: [{ index: 0, text: 'Héllo 👋', finishReasonRaw: 'stop' }],
        usage: { input: 9, output: 3, cacheRead: 4, inputUncached: 5, totalReported: 12 },
      },
    },
  ),
)

formatSuite(
  streamSample(
    'Groq, reasoning, usage in x_groq only',
    groq,
    [
      data({ id: 'c3', ...delta({ role: 'assistant', content: '' }), x_groq: { id: 'req_1' } }),
      data(delta({ reasoning: 'Okay' })),
      data(delta({ content: 'Hi' })),
      data({
        ...delta({}, { finish_reason: 'stop' }),
        x_groq: {
          id: 'req_1',
          usage: {
            queue_time: 0.17,
            prompt_time: 0.002,
            completion_time: 3.03,
            total_time: 3.2,
            prompt_tokens: 17,
            completion_tokens: 1107,
            total_tokens: 1124,
            completion_tokens_details: { reasoning_tokens: 963 },
          },
        },
      }),
      done,
    ],
    {
      decoded: {
        choices: [{ text: 'Hi', reasoning: 'Okay' }],
        firstContentAtMs: 1020,
        firstAnswerAtMs: 1030,
        usage: { input: 17, output: 1107, reasoning: 963 },
        timings: { queueMs: 170, promptMs: 2, generationMs: 3030, totalMs: 3200 },
      },
    },
  ),
)

formatSuite(
  streamSample(
    'OpenRouter, failing after the first words',
    openrouter,
    [
      ': OPENROUTER PROCESSING\n\n',
      data(
        delta({
          role: 'assistant',
          content: 'Hi',
          reasoning: 'mm',
          reasoning_details: [{ type: 'reasoning.text', text: 'mm' }],
        }),
      ),
      data({
        error: { code: 502, message: 'Provider returned error', metadata: { error_type: 'provider_unavailable' } },
        ...delta({ content: '' }, { finish_reason: 'error' }),
      }),
    ],
    {
      events: { events: 2, comments: 1 },
      decoded: {
        choices: [{ text: 'Hi', reasoning: 'mm', finishReason: 'error' }],
        finishReason: 'error',
        terminated: false,
        error: { message: 'Provider returned error', type: 'provider_unavailable', code: '502' },
      },
    },
  ),
)

formatSuite(
  streamSample(
    'parallel tool calls in fragments',
    openai,
    [
      data(
        delta({
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'weather', arguments: '' } }],
        }),
      ),
      data(delta({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] })),
      data(delta({ tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'time', arguments: '' } }] })),
      data(
        delta({
          tool_calls: [
            { index: 1, function: { arguments: '{}' } },
            { index: 0, function: { arguments: '"Oslo"}' } },
          ],
        }),
      ),
      data(delta({}, { finish_reason: 'tool_calls' })),
      done,
    ],
    {
      decoded: {
        finishReason: 'tool_calls',
        firstContentAtMs: 1010,
        firstAnswerAtMs: null,
        choices: [
          {
            text: '',
            toolCalls: [
              { id: 'a', name: 'weather', arguments: '{"city":"Oslo"}' },
              { id: 'b', name: 'time', arguments: '{}' },
            ],
          },
        ],
      },
    },
  ),
)

/** Feeds chunks to the decoder; the n-th arrives at n ms. */
function decoded(
  chunks: readonly unknown[],
  more: { request?: object; hints?: DecodeHints; end?: boolean } = {},
): Decoded {
  const request = openaiChat.readRequest({ ...ask, ...more.request })
  const decoder = openaiChat.decoder(request, more.hints ?? {})
  for (const [place, chunk] of chunks.entries()) decoder.push(chunk, place, null)
  if (more.end ?? true) decoder.done(chunks.length)
  return decoder.finish()
}

function whole(value: unknown, hints: DecodeHints = {}): Decoded {
  const decoder = openaiChat.decoder(openaiChat.readRequest({ ...ask, stream: false }), hints)
  decoder.whole(value, 1)
  return decoder.finish()
}

describe('the first token', () => {
  it.each<[string, object]>([
    ['a role', delta({ role: 'assistant' })],
    ['an empty text', delta({ content: '' })],
    ['nulls', delta({ content: null, tool_calls: null, function_call: null, refusal: null })],
    ['empty reasoning', delta({ reasoning_content: '' })],
    ['a choice without delta', { choices: [{ index: 0, content_filter_results: {} }] }],
    ['log probabilities alone', { choices: [{ index: 0, delta: {}, logprobs: { content: [] } }] }],
    ['no choices', { choices: [], prompt_filter_results: [] }],
    ['a prompt progress', { ...delta({ role: 'assistant', content: null }), prompt_progress: { total: 3 } }],
    [
      'a tool call without name and arguments',
      delta({ tool_calls: [{ index: 0, id: 'x', function: { name: '', arguments: '' } }] }),
    ],
    ['only usage', { usage: { prompt_tokens: 1, completion_tokens: 0 } }],
    ['padding', { choices: [], obfuscation: 'xxxx' }],
  ])('is not %s', (_name, chunk) => {
    expect(decoded([chunk])).toMatchObject({ firstContentAtMs: null, contentEvents: 0 })
  })

  it.each<[string, object]>([
    ['white space', delta({ content: '\n' })],
    ['role and reasoning together', delta({ role: 'assistant', reasoning_content: 'First' })],
    ['a refusal', delta({ refusal: 'No' })],
    ['the name of a tool', delta({ tool_calls: [{ index: 0, function: { name: 'f', arguments: '' } }] })],
    ['an old function call', delta({ function_call: { name: 'f' } })],
    ['a custom tool call', delta({ tool_calls: [{ index: 0, custom: { input: 'x' } }] })],
    ['hidden reasoning', delta({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'abc' }] })],
    ['a summary of reasoning', delta({ reasoning_details: [{ summary: 'so' }] })],
    ['thinking in a list', delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] })],
    ['sound', delta({ audio: { data: 'AAAA' } })],
    ['an image', delta({ images: [{ image_url: { url: 'data:image/png;base64,AAAA' } }] })],
  ])('is %s', (_name, chunk) => {
    expect(decoded([delta({ role: 'assistant' }), chunk])).toMatchObject({ firstContentAtMs: 1, contentEvents: 1 })
  })
})

describe('text', () => {
  it('of several choices interleaves and keeps apart', () => {
    const part = (index: number, content: string, finish?: string): object => ({
      choices: [{ index, delta: { content }, finish_reason: finish }],
    })
    expect(decoded([part(1, 'b'), part(0, 'a'), part(1, 'B', 'length'), part(0, 'A', 'stop')])).toMatchObject({
      choices: [
        { index: 0, text: 'aA', finishReason: 'stop' },
        { index: 1, text: 'bB', finishReason: 'length' },
      ],
      finishReason: 'stop',
    })
  })

  it('of a list of parts is joined, thinking apart, images as placeholders', () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'The user' }] },
      { type: 'text', text: 'Hi' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(16_000)}` } },
      ' there',
    ]
    expect(decoded([delta({ content })]).choices[0]).toMatchObject({
      reasoning: 'The user',
      text: 'Hi there',
      parts: ['[image 12 kB]'],
    })
  })

  it('is taken from delta where a message stands beside it', () => {
    const choice = { index: 0, delta: { content: 'a' }, message: { content: 'a whole' } }
    expect(decoded([{ choices: [choice] }]).choices[0]?.text).toBe('a')
  })

  it('that the server repeats from the request is not generated', () => {
    const seen = decoded([delta({ content: 'H' }), delta({ content: 'i' }), delta({ content: ' there' })], {
      request: { echo: true },
    })
    expect(seen).toMatchObject({ choices: [{ text: 'Hi there' }], firstContentAtMs: 2, contentEvents: 1 })
  })

  it('of sound is its transcript, and the bytes are summed', () => {
    const seen = decoded([
      delta({ audio: { id: 'a', data: 'A'.repeat(8000) } }),
      delta({ audio: { transcript: 'Hel' } }),
      delta({ audio: { data: 'A'.repeat(8000), transcript: 'lo' } }),
    ])
    expect(seen.choices[0]).toMatchObject({ text: 'Hello', parts: ['[audio 12 kB]'] })
  })
})

describe('thoughts in the content', () => {
  const marked = { extra_content: { google: { thought: true } } }
  const said = (...parts: [content: string, marked: boolean][]) =>
    decoded(parts.map(([content, thought]) => delta({ content, ...(thought && marked) }))).choices[0]

  it.each<[string, [string, boolean][], string, string]>([
    [
      'over several chunks',
      [
        ['<thought>a', true],
        ['b', true],
        ['</thought>c', false],
        ['d', false],
      ],
      'ab',
      'cd',
    ],
    [
      'in one chunk',
      [
        ['<thought>a</thought>b', true],
        ['c', false],
      ],
      'a',
      'bc',
    ],
    [
      'without an end',
      [
        ['<thought>a', true],
        ['b', false],
      ],
      'a',
      'b',
    ],
    [
      'without tags',
      [
        ['a', true],
        ['b', false],
      ],
      'a',
      'b',
    ],
    [
      'twice',
      [
        ['<thought>a', true],
        ['</thought>b', false],
        ['<thought>c', true],
        ['</thought>', false],
      ],
      'ac',
      'b',
    ],
    ['that are not marked', [['<thought>a</thought>b', false]], '', '<thought>a</thought>b'],
  ])('are told apart %s', (_how, parts, reasoning, text) => {
    expect(said(...parts)).toMatchObject({ reasoning, text })
  })

  it('are the first token, and not the first of the answer', () => {
    const seen = decoded([delta({ content: '<thought>a', ...marked }), delta({ content: '</thought>b' })])
    expect(seen).toMatchObject({ firstContentAtMs: 0, firstAnswerAtMs: 1 })
  })
})

describe('tool calls', () => {
  const call = (fragment: object): object => delta({ tool_calls: [fragment] })

  it('without index are told apart by their ids', () => {
    const seen = decoded([
      call({ id: 'a', function: { name: 'f', arguments: '{"x"' } }),
      call({ function: { name: '', arguments: ':1}' } }),
      call({ id: 'b', function: { name: 'g', arguments: '{}' } }),
    ])
    expect(seen.choices[0]?.toolCalls).toEqual([
      { id: 'a', name: 'f', arguments: '{"x":1}' },
      { id: 'b', name: 'g', arguments: '{}' },
    ])
  })

  it('keep a name that is repeated in every fragment once', () => {
    const seen = decoded(
      ['{', '"a":1', '}'].map((text) => call({ index: 0, id: 'a', function: { name: 'f', arguments: text } })),
    )
    expect(seen.choices[0]?.toolCalls).toEqual([{ id: 'a', name: 'f', arguments: '{"a":1}' }])
  })

  it('sent in both forms count once', () => {
    const twin = (text: string): object =>
      delta({
        function_call: { name: 'f', arguments: text },
        tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: text } }],
      })
    expect(decoded([twin('{'), twin('}')]).choices[0]?.toolCalls).toEqual([{ id: 'a', name: 'f', arguments: '{}' }])
  })

  it('of the old form alone are kept', () => {
    const seen = decoded([
      delta({ function_call: { name: 'f', arguments: '' } }),
      delta({ function_call: { arguments: '{}' } }),
    ])
    expect(seen.choices[0]?.toolCalls).toEqual([{ id: null, name: 'f', arguments: '{}' }])
  })

  it('with an object for arguments keep it as JSON', () => {
    expect(
      decoded([call({ index: 0, function: { name: 'f', arguments: { a: [1] } } })]).choices[0]?.toolCalls[0]?.arguments,
    ).toBe('{"a":[1]}')
  })

  it('with a huge index allocate nothing for it, and a thousand of them stop at a limit', () => {
    expect(decoded([call({ index: 4_000_000_000, function: { name: 'f' } })]).choices[0]?.toolCalls).toHaveLength(1)
    const many = Array.from({ length: 1000 }, (_, index) => call({ index, function: { name: 'f' } }))
    expect(decoded(many).choices[0]?.toolCalls.length).toBeLessThan(1000)
  })

  it('of a whole answer without ids and indexes are all kept', () => {
    const tool_calls = [{ function: { name: 'f', arguments: '{}' } }, { function: { name: 'f', arguments: '{}' } }]
    expect(whole({ choices: [{ message: { content: null, tool_calls } }] }).choices[0]?.toolCalls).toHaveLength(2)
  })
})

describe('the end', () => {
  it('by a filter overrides an earlier stop', () => {
    const seen = decoded([
      delta({ content: 'x' }),
      delta({}, { finish_reason: 'stop' }),
      { choices: [{ index: 0, finish_reason: 'content_filter' }] },
    ])
    expect(seen).toMatchObject({ finishReason: 'content_filter', choices: [{ finishReasonRaw: 'content_filter' }] })
  })

  it('is not overridden by another stop', () => {
    expect(decoded([delta({}, { finish_reason: 'length' }), delta({}, { finish_reason: 'stop' })]).finishReason).toBe(
      'length',
    )
  })

  it.each([
    ['eos', 'stop'],
    ['model_length', 'length'],
    ['function_call', 'tool_calls'],
    ['abort', 'error'],
    ['insufficient_system_resource', 'error'],
    ['something_new', 'stop'],
  ])('%s means %s', (raw, reason) => {
    expect(decoded([delta({}, { finish_reason: raw })]).choices[0]).toMatchObject({
      finishReason: reason,
      finishReasonRaw: raw,
    })
  })

  it('is known by [DONE], by a whole answer, and by nothing else', () => {
    expect(decoded([delta({ content: 'x' })], { end: false }).terminated).toBe(false)
    expect(decoded([delta({ content: 'x' })]).terminated).toBe(true)
    expect(whole({ choices: [] }).terminated).toBe(true)
    expect(decoded([{ object: 'chat.completion.done', choices: [] }], { end: false }).terminated).toBe(true)
  })

  it('tells of an error that only Groq words so', () => {
    expect(decoded([{ ...delta({}), x_groq: { error: 'over capacity' } }]).error).toEqual({
      message: 'over capacity',
      type: null,
      code: null,
    })
  })
})

describe('usage', () => {
  const usage = (prompt: number, completion: number, rest: object = {}): object => ({
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, ...rest },
  })

  it('stands on a chunk with content, and after the finish reason, too', () => {
    expect(decoded([{ ...delta({ content: 'x' }, { finish_reason: 'stop' }), ...usage(7, 2) }]).usage).toMatchObject({
      input: 7,
      output: 2,
    })
  })

  it('that leaves thoughts out of the output is told by its total, where the vendor does so', () => {
    const hints = { outputIsRestOfTotal: true }
    const read = (counts: object) => decoded([{ choices: [], usage: counts }], { hints }).usage
    expect(read({ prompt_tokens: 6, completion_tokens: 5, total_tokens: 125 })).toMatchObject({
      input: 6,
      output: 119,
      reasoning: 114,
      totalReported: 125,
    })
    expect(
      read({
        prompt_tokens: 12,
        completion_tokens: 1994,
        total_tokens: 2006,
        completion_tokens_details: { reasoning_tokens: 1269 },
      }),
    ).toMatchObject({ output: 1994, reasoning: 1269 })
    expect(read({ prompt_tokens: 9, completion_tokens: 2, total_tokens: 5 })).toMatchObject({
      output: 2,
      reasoning: null,
    })
    expect(read({ prompt_tokens: 9, completion_tokens: 2 })).toMatchObject({ output: 2 })
    expect(decoded([usage(6, 5, { total_tokens: 125 })]).usage).toMatchObject({ output: 5, reasoning: null })
  })

  it('that is null, absent or all zero is none', () => {
    expect(decoded([{ ...delta({ content: 'x' }), usage: null }])).toMatchObject({ usage: null, tokenSource: 'none' })
    expect(decoded([{ ...delta({ content: 'x' }), ...usage(0, 0) }])).toMatchObject({
      usage: null,
      tokenSource: 'none',
      rawUsage: { prompt_tokens: 0 },
    })
    expect(
      decoded([
        { ...delta({ content: 'x' }), ...usage(0, 0) },
        { choices: [], ...usage(3, 2) },
      ]).usage,
    ).toMatchObject({ input: 3, output: 2 })
  })

  it('that grows with every chunk is its last one', () => {
    expect(
      decoded([1, 2, 3].map((count) => ({ ...delta({ content: 'x' }), ...usage(10, count) }))).usage,
    ).toMatchObject({ input: 10, output: 3 })
  })

  it('in two places counts once', () => {
    const same = { prompt_tokens: 17, completion_tokens: 7 }
    expect(
      decoded([{ choices: [], usage: same, x_groq: { usage: same } }], { hints: { usageAt: ['x_groq', 'usage'] } })
        .usage,
    ).toMatchObject({ input: 17, output: 7 })
  })

  it('reads details that are there, and leaves the others unknown', () => {
    const details = {
      prompt_tokens_details: { cached_tokens: 64, cache_write_tokens: 10, audio_tokens: 5, image_tokens: 6 },
      completion_tokens_details: {
        reasoning_tokens: 56,
        audio_tokens: 4,
        accepted_prediction_tokens: 1,
        rejected_prediction_tokens: 2,
      },
    }
    expect(decoded([usage(120, 80, details)]).usage).toMatchObject({
      input: 120,
      inputUncached: 46,
      cacheRead: 64,
      cacheWrite: 10,
      audioInput: 5,
      imageInput: 6,
      output: 80,
      reasoning: 56,
      audioOutput: 4,
      predictionAccepted: 1,
      predictionRejected: 2,
    })
    expect(decoded([usage(5, 1, { prompt_tokens_details: null })]).usage).toMatchObject({
      cacheRead: null,
      inputUncached: 5,
      reasoning: null,
    })
  })

  it('finds cached and reasoning tokens under their other names', () => {
    expect(decoded([usage(9, 3, { prompt_cache_hit_tokens: 4, reasoning_tokens: 2 })]).usage).toMatchObject({
      cacheRead: 4,
      reasoning: 2,
    })
    expect(decoded([usage(9, 3, { num_cached_tokens: 5 })]).usage).toMatchObject({ cacheRead: 5, inputUncached: 4 })
  })

  it('adds reasoning where the vendor leaves it out', () => {
    const given = usage(12, 1, { total_tokens: 303, completion_tokens_details: { reasoning_tokens: 290 } })
    expect(decoded([given], { hints: { outputExcludesReasoning: true } }).usage).toMatchObject({
      output: 291,
      reasoning: 290,
      totalReported: 303,
    })
  })

  it('keeps the bill of the vendor as decimal text', () => {
    expect(decoded([usage(9, 2, { cost: 0.00012 })]).usage?.costReportedUsd).toBe('0.00012')
    expect(decoded([usage(9, 2, { cost: 1.2e-7 })]).usage?.costReportedUsd).toBe('0.00000012')
    expect(decoded([usage(9, 2, { cost: -1 })]).usage?.costReportedUsd).toBeNull()
  })

  it('of one object a choice adds the outputs and counts the prompt once', () => {
    const parts = [1, 2, 3].map((count) => ({
      choices: [],
      // only the first choice pays for its prompt
      ...usage(32, count, { prompt_tokens_details: { cached_tokens: count === 1 ? 4 : 31 } }),
    }))
    const seen = decoded(parts, { request: { n: 3 }, hints: { usagePerChoice: true } })
    expect(seen.usage).toMatchObject({ input: 32, cacheRead: 4, inputUncached: 28, output: 6, totalReported: null })
    expect(seen.rawUsage).toHaveLength(3)
    expect(decoded(parts, { hints: { usagePerChoice: true } }).usage).toMatchObject({ output: 3 })
    expect(decoded(parts, { request: { n: 3 } }).usage).toMatchObject({ output: 3 })
  })

  it('of a cut stream with running counts per choice adds the last of each', () => {
    const running = (index: number, count: number): object => ({
      choices: [{ index, delta: { content: 'x' } }],
      ...usage(7, count),
    })
    const chunks = [running(0, 1), running(1, 1), running(0, 2), running(1, 2)]
    const final = { choices: [], ...usage(7, 9) }
    const { hints = {} } = vllm
    expect(decoded(chunks, { request: { n: 2 }, hints, end: false }).usage).toMatchObject({ input: 7, output: 4 })
    expect(decoded(chunks, { request: { n: 2 }, hints }).usage).toMatchObject({ input: 7, output: 2 })
    expect(decoded([...chunks, final], { request: { n: 2 }, hints }).usage).toMatchObject({ input: 7, output: 9 })
  })

  it('is taken from timings where there is none, and says so', () => {
    const timings = { cache_n: 236, prompt_n: 1, prompt_ms: 30.9, predicted_n: 35, predicted_ms: 661 }
    const { hints = {} } = llamacpp
    const seen = decoded([delta({ content: 'Hi' }), { ...delta({}, { finish_reason: 'stop' }), timings }], { hints })
    expect(seen).toMatchObject({
      tokenSource: 'timings',
      usage: { input: 237, cacheRead: 236, inputUncached: 1, output: 35 },
      timings: { promptMs: 30.9, generationMs: 661 },
    })
    expect(decoded([{ choices: [], timings, ...usage(237, 35) }], { hints }).tokenSource).toBe('reported')
  })
})

describe('a request', () => {
  const read = (body: object) => openaiChat.readRequest({ model: 'm', ...body })

  it('tells every parameter by one name', () => {
    expect(
      read({
        max_completion_tokens: 5,
        max_tokens: 9,
        stop: 'x',
        seed: 1,
        temperature: 0,
        top_p: 0.5,
        top_k: 3,
        min_p: 0.1,
        n: 2,
        frequency_penalty: 1,
        presence_penalty: 2,
        repetition_penalty: 1.1,
        tool_choice: { type: 'function', function: { name: 'f' } },
        parallel_tool_calls: false,
        response_format: { type: 'json_schema', json_schema: {} },
        reasoning_effort: 'low',
        service_tier: 'flex',
        stream_options: { include_usage: true },
        logprobs: true,
      }).parameters,
    ).toMatchObject({
      max_tokens: 5,
      stop: ['x'],
      seed: 1,
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      min_p: 0.1,
      n: 2,
      frequency_penalty: 1,
      presence_penalty: 2,
      repeat_penalty: 1.1,
      tool_choice: 'function:f',
      parallel_tool_calls: false,
      response_format: 'json_schema',
      reasoning_effort: 'low',
      service_tier: 'flex',
      include_usage: true,
      logprobs: true,
      keep_alive: null,
    })
  })

  it('keeps text, and says of everything else what it was', () => {
    const { messages } = read({
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          name: 'ann',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(16_000)}`, detail: 'low' } },
            { type: 'image_url', image_url: { url: 'https://example.com/x.png' } },
            { type: 'input_audio', input_audio: { data: 'A'.repeat(8000), format: 'wav' } },
            { type: 'file', file: { file_id: 'f' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: '42' },
        { role: 'assistant', content: null, function_call: { name: 'g', arguments: '{}' } },
      ],
    })
    expect(messages).toEqual([
      { role: 'system', name: null, text: 'Be brief.', toolCalls: [], toolCallId: null, images: [] },
      {
        role: 'user',
        name: 'ann',
        text: 'What is this?\n[image 12 kB]\n[image link]\n[audio 6 kB]\n[file]',
        toolCalls: [],
        toolCallId: null,
        images: [
          { bytes: 12_000, detail: 'low', url: false },
          { bytes: null, detail: null, url: true },
        ],
        audio: [{ bytes: 6000, seconds: null }],
      },
      {
        role: 'assistant',
        name: null,
        text: '',
        toolCalls: [{ id: 'c', name: 'f', arguments: '{}' }],
        toolCallId: null,
        images: [],
      },
      { role: 'tool', name: null, text: '42', toolCalls: [], toolCallId: 'c', images: [] },
      {
        role: 'assistant',
        name: null,
        text: '',
        toolCalls: [{ id: null, name: 'g', arguments: '{}' }],
        toolCallId: null,
        images: [],
      },
    ])
  })

  it('names its tools, new and old, and its end user', () => {
    const tools = [
      { type: 'function', function: { name: 'f' } },
      { type: 'web_search' },
      { type: 'custom', custom: { name: 'c' } },
    ]
    expect(read({ tools, safety_identifier: 'u1', user: 'u2' })).toMatchObject({
      toolNames: ['f', 'web_search', 'c'],
      toolsText: JSON.stringify(tools),
      endUser: 'u1',
    })
    expect(read({ functions: [{ name: 'g' }] }).toolNames).toEqual(['g'])
  })

  it.each([null, 7, 'x', []])('that is %j is malformed', (body) => {
    expect(openaiChat.readRequest(body)).toMatchObject({ malformed: true, model: null })
  })

  it('with fields of wrong types is read as far as it goes', () => {
    const facts = read({
      messages: [7, null, { content: { a: 1 } }],
      temperature: 'hot',
      tools: 'x',
      stop: [1, 'y'],
      n: -1,
      stream: 'yes',
    })
    expect(facts).toMatchObject({
      model: 'm',
      malformed: false,
      stream: false,
      toolNames: [],
      parameters: { temperature: null, stop: ['y'], n: null },
    })
    expect(facts.messages).toHaveLength(3)
  })
})
