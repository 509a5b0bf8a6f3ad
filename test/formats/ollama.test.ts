import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { provider } from '../../providers/ollama/provider.ts'
import type { Decoded, Format } from '../../src/formats/decoder.ts'
import { observe } from '../../src/formats/observe.ts'
import { ollamaChat } from '../../src/formats/ollama-chat/format.ts'
import { ollamaEmbed } from '../../src/formats/ollama-embed/format.ts'
import { ollamaGenerate } from '../../src/formats/ollama-generate/format.ts'
import { ollamaProgress } from '../../src/formats/ollama-progress/format.ts'
import { exchangeOf } from '../contract/format-sample.ts'

const streamed = (format: Format, ...lines: unknown[]): Decoded => {
  const decoder = format.decoder(format.readRequest({}), {})
  for (const [index, line] of lines.entries()) decoder.push(line, index, null)
  return decoder.finish()
}

const whole = (format: Format, value: unknown): Decoded => {
  const decoder = format.decoder(format.readRequest({}), {})
  decoder.whole(value, 0)
  return decoder.finish()
}

describe('an answer of Ollama', () => {
  it('turns nanoseconds into milliseconds and keeps the counters as sent', () => {
    const counters = { total_duration: 5191566416, load_duration: 2154458, prompt_eval_count: 26, eval_count: 298 }
    const decoded = whole(ollamaChat, { model: 'm', done: true, done_reason: 'stop', ...counters, context: [1, 2] })
    expect(decoded.timings).toEqual({
      queueMs: null,
      loadMs: 2.154458,
      promptMs: null,
      generationMs: null,
      totalMs: 5191.566416,
    })
    expect(decoded.rawUsage).toEqual(counters)
  })

  it('has no finish reason when the server gave none, and is complete all the same', () => {
    for (const done_reason of ['', undefined]) {
      const decoded = streamed(
        ollamaGenerate,
        { response: 'a' },
        { response: '', done: true, done_reason, eval_count: 1 },
      )
      expect(decoded).toMatchObject({ finishReason: null, terminated: true, choices: [{ text: 'a' }] })
    }
  })

  it('says nothing of a prompt that was not counted, and does not take silence for zero', () => {
    const decoded = streamed(
      ollamaGenerate,
      { response: 'a' },
      { done: true, done_reason: 'stop', prompt_eval_count: 9 },
    )
    expect(decoded.usage).toMatchObject({ input: 9, output: null })
    expect(streamed(ollamaGenerate, { done: true, done_reason: 'stop' }).usage).toBeNull()
  })

  it('has neither tokens nor a first token after a load or an unload, even with durations', () => {
    for (const done_reason of ['load', 'unload']) {
      const decoded = streamed(ollamaChat, { done: true, done_reason, load_duration: 5_000_000, prompt_eval_count: 0 })
      expect(decoded).toMatchObject({ finishReason: done_reason, usage: null, tokenSource: 'none' })
      expect(decoded.firstContentAtMs).toBeNull()
      expect(decoded.timings.loadMs).toBe(5)
    }
  })

  it('is not complete without an object that says so', () => {
    expect(streamed(ollamaChat, { message: { content: 'a' }, done: false }).terminated).toBe(false)
  })

  it('counts thinking as the first token and text as the first of the answer', () => {
    const decoded = streamed(
      ollamaGenerate,
      { response: '', thinking: '' },
      { response: '', thinking: 'hm' },
      { response: 'a' },
    )
    expect(decoded).toMatchObject({ firstContentAtMs: 1, firstAnswerAtMs: 2, contentEvents: 2 })
  })

  it('reads tool calls of generate at the top level, each as a call of its own', () => {
    const call = { function: { index: 0, name: 'f', arguments: { a: 1 } } }
    const [choice] = streamed(ollamaGenerate, { tool_calls: [call] }, { tool_calls: [call] }).choices
    expect(choice?.toolCalls).toEqual([
      { id: null, name: 'f', arguments: '{"a":1}' },
      { id: null, name: 'f', arguments: '{"a":1}' },
    ])
  })

  it('counts the vectors of both embedding calls, and only the tokens that were counted', () => {
    const embed = whole(ollamaEmbed, { model: 'm', embeddings: [[1], [2]], prompt_eval_count: 4, total_duration: 1e6 })
    expect(embed).toMatchObject({ model: 'm', embeddings: 2, usage: { input: 4, output: null }, terminated: true })
    expect(embed.timings.totalMs).toBe(1)
    expect(whole(ollamaEmbed, { embedding: [1, 2] })).toMatchObject({ embeddings: 1, usage: null, tokenSource: 'none' })
    expect(whole(ollamaEmbed, { error: 'no such model' })).toMatchObject({ embeddings: null })
  })

  it('finds the count at the end of vectors that are too many to be read', () => {
    const embeddings = Array.from({ length: 400 }, () => Array.from({ length: 768 }, (_, index) => index / 1000))
    const answer = { model: 'm', embeddings, total_duration: 9e6, load_duration: 2e6, prompt_eval_count: 4321 }
    const exchange = exchangeOf({
      name: 'large',
      provider,
      request: { method: 'POST', path: '/api/embed', headers: [], body: '{"model":"m","input":["a"]}' },
      response: { status: 200, headers: [['content-type', 'application/json']], pieces: [[1, JSON.stringify(answer)]] },
      expect: {},
    })
    const { decoded, notes } = observe(exchange, provider, 'test')
    expect(notes).toEqual(['the answer was read at its start and end only'])
    expect(decoded).toMatchObject({
      model: 'm',
      usage: { input: 4321, output: null },
      timings: { totalMs: 9, loadMs: 2 },
    })
  })

  it('tells of a transfer how far it came, layer by layer', () => {
    const layer = (digest: string, total: number, completed?: number) => ({
      status: 'pulling',
      digest,
      total,
      completed,
    })
    const told = (...lines: unknown[]) => streamed(ollamaProgress, ...lines)
    const some = [{ status: 'pulling manifest' }, layer('a', 10), layer('a', 10, 4), layer('b', 5, 5)]
    expect(told(...some)).toMatchObject({
      progress: { status: 'pulling', layers: 2, totalBytes: 15, completedBytes: 9 },
      terminated: false,
      usage: null,
      contentEvents: 0,
    })
    expect(told(...some, { status: 'success' })).toMatchObject({ progress: { status: 'success' }, terminated: true })
    expect(told(...some, { error: 'no space left' })).toMatchObject({ error: { message: 'no space left' } })
    expect(whole(ollamaProgress, { status: 'success' })).toMatchObject({ progress: { layers: 0, totalBytes: null } })
    expect(told().progress).toBeNull()
    expect(ollamaProgress.readRequest({ name: 'm' })).toMatchObject({ model: 'm', stream: true })
    expect(ollamaProgress.readRequest({ model: 'm', stream: false }).stream).toBe(false)
  })

  it('tells of a download of a hundred thousand lines, and of more layers than a model has', () => {
    const digests = Array.from({ length: 5000 }, (_, nth) => `sha256:${nth}`)
    const lines = Array.from({ length: 100_000 }, (_, nth) =>
      JSON.stringify({ status: 'pulling', digest: digests[nth % 5000], total: 20, completed: Math.floor(nth / 5000) }),
    )
    const exchange = exchangeOf({
      name: 'long',
      provider,
      request: { method: 'POST', path: '/api/pull', headers: [], body: '{"model":"m"}' },
      response: {
        status: 200,
        headers: [['content-type', 'application/x-ndjson']],
        pieces: [[1, `${lines.join('\n')}\n{"status":"success"}\n`]],
      },
      expect: {},
    })
    const seen = observe(exchange, provider, 'test')
    expect(seen.events).toMatchObject({ events: 100_001, bad_events: 0, content_events: 0 })
    expect(seen.decoded?.progress).toEqual({
      status: 'success',
      layers: 4096,
      totalBytes: 4096 * 20,
      completedBytes: 4096 * 19,
    })
  })

  it('reads whatever it is fed without throwing', () => {
    const odd = fc.record(
      {
        message: fc.oneof(fc.jsonValue(), fc.record({ content: fc.jsonValue(), tool_calls: fc.jsonValue() })),
        done: fc.jsonValue(),
        done_reason: fc.jsonValue(),
        eval_count: fc.jsonValue(),
        error: fc.jsonValue(),
        status: fc.jsonValue(),
        digest: fc.jsonValue(),
        total: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.jsonValue()), { maxLength: 5 }), (values) => {
        for (const format of [ollamaChat, ollamaGenerate, ollamaEmbed, ollamaProgress]) {
          expect(streamed(format, ...values)).toHaveProperty('choices')
          for (const value of values) format.readRequest(value)
        }
      }),
    )
  })
})

describe('a request to Ollama', () => {
  it('asks for a stream unless it says no', () => {
    expect(ollamaChat.readRequest({ model: 'm' }).stream).toBe(true)
    expect(ollamaGenerate.readRequest({ model: 'm', stream: true }).stream).toBe(true)
    expect(ollamaGenerate.readRequest({ model: 'm', stream: false }).stream).toBe(false)
  })

  it('has its parameters under options', () => {
    const { parameters } = ollamaChat.readRequest({
      options: {
        temperature: 0,
        top_p: 0.9,
        top_k: 40,
        min_p: 0.1,
        num_predict: -1,
        stop: 'X',
        seed: 7,
        repeat_penalty: 1.1,
      },
      format: { type: 'object' },
      think: 'high',
      keep_alive: '5m',
      logprobs: true,
    })
    expect(parameters).toMatchObject({
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.1,
      max_tokens: -1,
      stop: ['X'],
      seed: 7,
      repeat_penalty: 1.1,
      response_format: 'json_schema',
      reasoning_effort: 'high',
      keep_alive: '5m',
      logprobs: true,
    })
    const other = ollamaChat.readRequest({ format: 'json', think: false, keep_alive: 0 }).parameters
    expect(other).toMatchObject({ response_format: 'json', reasoning_effort: 'false', keep_alive: 0 })
  })

  it('shows images by their size and calls by their names', () => {
    const image = Buffer.alloc(3000).toString('base64')
    const facts = ollamaChat.readRequest({
      model: 'm',
      messages: [
        { role: 'user', content: 'What is this?', images: [image] },
        { role: 'assistant', content: '', tool_calls: [{ function: { name: 'look', arguments: { far: true } } }] },
        { role: 'tool', tool_name: 'look', content: 'a sea' },
      ],
      tools: [{ type: 'function', function: { name: 'look' } }],
    })
    expect(facts.messages).toMatchObject([
      { role: 'user', text: 'What is this?\n[image 3 kB]', images: [{ bytes: 3000, url: false }] },
      { role: 'assistant', toolCalls: [{ name: 'look', arguments: '{"far":true}' }] },
      { role: 'tool', name: 'look', text: 'a sea' },
    ])
    expect(facts.toolNames).toEqual(['look'])
  })

  it('reads the prompt, the system text and the suffix of generate as messages', () => {
    const facts = ollamaGenerate.readRequest({ model: 'm', prompt: 'a', system: 'b', suffix: 'c' })
    expect(facts.messages.map(({ role, text }) => [role, text])).toEqual([
      ['system', 'b'],
      ['user', 'a'],
      ['suffix', 'c'],
    ])
    expect(facts.inputs).toBe(1)
    expect(ollamaGenerate.readRequest({ model: 'm', keep_alive: 0 })).toMatchObject({ inputs: 0, messages: [] })
  })

  it('counts the inputs of both embedding calls', () => {
    expect(ollamaEmbed.readRequest({ input: ['a', 'b'] })).toMatchObject({ inputs: 2, stream: false })
    expect(ollamaEmbed.readRequest({ prompt: 'a' })).toMatchObject({ inputs: 1, messages: [{ text: 'a' }] })
  })

  it('is malformed when it was no JSON object', () => {
    for (const format of [ollamaChat, ollamaGenerate, ollamaEmbed])
      expect(format.readRequest(null)).toMatchObject({ malformed: true, model: null })
  })
})
