import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { provider } from '../../providers/google/provider.ts'
import { geminiContent, geminiContentStream } from '../../src/formats/gemini-content/format.ts'
import { PartialArguments } from '../../src/formats/gemini-content/partial-arguments.ts'
import { geminiEmbeddings } from '../../src/formats/gemini-embeddings/format.ts'
import { geminiInteractions } from '../../src/formats/gemini-interactions/format.ts'
import { geminiPredict } from '../../src/formats/gemini-predict/format.ts'
import { observe } from '../../src/formats/observe.ts'
import type { Exchange } from '../../src/records/exchange.ts'
import { exchangeOf } from '../contract/format-sample.ts'
import { streamed, whole } from './decoded.ts'

const exchangeFor = (path: string, body: string, answer: string): Exchange =>
  exchangeOf({
    name: path,
    provider,
    request: { method: 'POST', path, headers: [], body },
    response: { status: 200, headers: [['content-type', 'application/json']], pieces: [[1, answer]] },
    expect: {},
  })

const asked = (path: string, body: string) => observe(exchangeFor(path, body, '{}'), provider, 'test')

const said = (part: object, more: object = {}): object => ({ candidates: [{ content: { parts: [part] }, ...more }] })

describe('an answer of generateContent', () => {
  it('counts thoughts and results of tools, and keeps the total as said', () => {
    const usageMetadata = {
      promptTokenCount: 100,
      toolUsePromptTokenCount: 20,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 7,
      thoughtsTokenCount: 30,
      totalTokenCount: 157,
    }
    expect(whole(geminiContent, { usageMetadata }).usage).toMatchObject({
      input: 120,
      inputUncached: 60,
      cacheRead: 60,
      output: 37,
      reasoning: 30,
      totalReported: 157,
      audioInput: null,
    })
  })

  it('takes what the answer lacks of the total for generated, because zeros are left out', () => {
    const output = (usageMetadata: object) => whole(geminiContent, { usageMetadata }).usage?.output
    expect(output({ promptTokenCount: 9, totalTokenCount: 9 })).toBe(0)
    expect(output({ promptTokenCount: 9, thoughtsTokenCount: 51, totalTokenCount: 60 })).toBe(51)
    expect(output({ promptTokenCount: 9, totalTokenCount: 5 })).toBe(0)
    expect(output({ promptTokenCount: 9 })).toBeNull()
    expect(output({ promptTokenCount: 9, thoughtsTokenCount: 3 })).toBe(3)
  })

  it('keeps the later value of each counter, whichever of them an event names', () => {
    const decoded = streamed(
      geminiContent,
      { usageMetadata: { promptTokenCount: 9, thoughtsTokenCount: 4 } },
      { usageMetadata: { trafficType: 'ON_DEMAND_PRIORITY' } },
      { usageMetadata: { candidatesTokenCount: 2, thoughtsTokenCount: 6 } },
    )
    expect(decoded.usage).toMatchObject({ input: 9, output: 8, reasoning: 6 })
    expect(decoded.serviceTier).toBe('priority')
    expect(decoded.rawUsage).toEqual({
      promptTokenCount: 9,
      thoughtsTokenCount: 6,
      trafficType: 'ON_DEMAND_PRIORITY',
      candidatesTokenCount: 2,
    })
    expect(streamed(geminiContent, { usageMetadata: { trafficType: 'ON_DEMAND' } })).toMatchObject({
      usage: null,
      tokenSource: 'none',
    })
  })

  it.each([
    ['priority', 'priority'],
    ['SERVICE_TIER_FLEX', 'flex'],
    ['STANDARD', 'standard'],
  ])('names the tier %s as price lists do', (serviceTier, expected) => {
    expect(whole(geminiContent, { usageMetadata: { serviceTier } }).serviceTier).toBe(expected)
  })

  it('is complete when each candidate that began has ended', () => {
    const one = { candidates: [{ index: 0, finishReason: 'STOP' }] }
    const other = { candidates: [{ index: 1, finishReason: 'STOP' }] }
    const both = {
      candidates: [
        { index: 0, content: { parts: [{ text: 'a' }] } },
        { index: 1, content: { parts: [{ text: 'b' }] } },
      ],
    }
    expect(streamed(geminiContent, both, one).terminated).toBe(false)
    expect(streamed(geminiContent, both, one, other).terminated).toBe(true)
    const grounded = { candidates: [{ index: 0, groundingMetadata: {} }] }
    expect(streamed(geminiContent, both, one, other, grounded).terminated).toBe(true)
    expect(streamed(geminiContent, { promptFeedback: { blockReason: 'SAFETY' } }).terminated).toBe(true)
  })

  it('does not take a word that means nothing for a reason', () => {
    const decoded = streamed(geminiContent, {
      candidates: [{ finishReason: 'FINISH_REASON_UNSPECIFIED' }],
      promptFeedback: { blockReason: 'BLOCKED_REASON_UNSPECIFIED', safetyRatings: [] },
    })
    expect(decoded).toMatchObject({ finishReason: null, terminated: false })
  })

  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['LANGUAGE', 'content_filter'],
    ['BLOCKLIST', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['SPII', 'content_filter'],
    ['IMAGE_SAFETY', 'content_filter'],
    ['MODEL_ARMOR', 'content_filter'],
    ['CONTINUATION', 'pause'],
    ['OTHER', 'error'],
    ['MALFORMED_FUNCTION_CALL', 'error'],
    ['UNEXPECTED_TOOL_CALL', 'error'],
    ['TOO_MANY_TOOL_CALLS', 'error'],
    ['NO_IMAGE', 'error'],
  ])('that ended for %s ended for %s', (raw, reason) => {
    const decoded = streamed(geminiContent, { candidates: [{ finishReason: raw }] })
    expect([decoded.finishReason, decoded.choices[0]?.finishReasonRaw]).toEqual([reason, raw])
  })

  it('begins with whatever was generated first, and with nothing that was not', () => {
    const first = (part: object): number | null => streamed(geminiContent, said(part)).firstContentAtMs
    const generated = [
      { text: ' ' },
      { text: 'a', thought: true },
      { functionCall: { name: 'f' } },
      { functionCall: { args: { a: 1 } } },
      { functionCall: { partialArgs: [{ jsonPath: '$.a', stringValue: 'x' }] } },
      { executableCode: { code: '1' } },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' }, thought: true },
    ]
    for (const part of generated) expect(first(part), JSON.stringify(part)).toBe(0)
    const silent = [
      { text: '' },
      { text: '', thoughtSignature: 'abc' },
      { functionCall: {} },
      { codeExecutionResult: { output: '5' } },
      { toolResponse: { response: { a: 1 } } },
      { inlineData: { mimeType: 'image/png', data: '' } },
    ]
    for (const part of silent) expect(first(part), JSON.stringify(part)).toBeNull()
    expect(streamed(geminiContent, { usageMetadata: { promptTokenCount: 1 } }).firstContentAtMs).toBeNull()
  })

  it('times thoughts and visible text apart', () => {
    const decoded = streamed(
      geminiContent,
      said({ text: 'hm', thought: true }),
      said({ text: 'a' }),
      said({ text: 'b' }),
    )
    expect(decoded).toMatchObject({ firstContentAtMs: 0, firstAnswerAtMs: 1, lastContentAtMs: 2, contentEvents: 3 })
  })

  it('keeps the arguments that had come when a call was cut short', () => {
    const [choice] = streamed(
      geminiContent,
      said({ functionCall: { name: 'f', willContinue: true } }),
      said({ functionCall: { partialArgs: [{ jsonPath: '$.a', stringValue: 'x' }], willContinue: true } }),
    ).choices
    expect(choice?.toolCalls).toEqual([{ id: null, name: 'f', arguments: '{"a":"x"}' }])
  })

  it('ends one call where the next begins', () => {
    const piece = (value: string) => [{ jsonPath: '$.a', stringValue: value }]
    const [choice] = streamed(
      geminiContent,
      said({ functionCall: { name: 'f', partialArgs: piece('x'), willContinue: true } }),
      said({ functionCall: { name: 'g', partialArgs: piece('y'), willContinue: true } }),
      said({ functionCall: {} }),
      said({ functionCall: { name: 'h', args: {} } }),
    ).choices
    expect(choice?.toolCalls.map((call) => [call.name, call.arguments])).toEqual([
      ['f', '{"a":"x"}'],
      ['g', '{"a":"y"}'],
      ['h', '{}'],
    ])
  })

  it('shows media by kind and size, and counts images that were only thought', () => {
    const inline = (mimeType: string, more = {}) => said({ inlineData: { mimeType, data: 'A'.repeat(4000) }, ...more })
    const decoded = streamed(
      geminiContent,
      inline('audio/L16'),
      inline('image/png', { thought: true }),
      inline('video/mp4'),
      said({ fileData: { mimeType: 'application/pdf', fileUri: 'https://x' } }),
      inline('audio/L16'),
      said({ audioTranscription: { text: 'the sea' } }),
    )
    expect(decoded.choices[0]).toMatchObject({ parts: ['[video 3 kB]', '[pdf link]', '[audio 6 kB]'], text: 'the sea' })
    expect(decoded.contentEvents).toBe(6)
  })

  it('tells why a call failed that was malformed', () => {
    const decoded = whole(geminiContent, {
      candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'f(' }],
    })
    expect(decoded.error).toEqual({ message: 'f(', type: 'MALFORMED_FUNCTION_CALL', code: null })
  })

  it('bills searches as its generation does', () => {
    const searches = (modelVersion: string, ...queries: string[]) =>
      whole(geminiContent, {
        modelVersion,
        candidates: [{ groundingMetadata: { webSearchQueries: queries } }],
        usageMetadata: { promptTokenCount: 1 },
      }).usage?.webSearches
    expect(searches('gemini-2.5-flash', 'a', 'b', 'c')).toBe(1)
    expect(searches('gemini-3.5-flash', 'a', 'b', 'c')).toBe(3)
    expect(searches('gemini-2.5-flash')).toBeNull()
    const event = {
      candidates: [{ groundingMetadata: { webSearchQueries: ['a', 'b'] } }],
      usageMetadata: { promptTokenCount: 1 },
    }
    expect(streamed(geminiContent, event, event).usage?.webSearches).toBe(2)
  })
})

describe('arguments in pieces', () => {
  it('find their places', () => {
    const given = new PartialArguments()
    given.add([
      { jsonPath: '$.a.b', stringValue: 'x' },
      { jsonPath: '$.list[1].c', numberValue: 1.5 },
      { jsonPath: '$.list[0]', boolValue: true },
      { jsonPath: '$["a"][\'b\']', stringValue: 'y' },
      { jsonPath: '$.none', nullValue: 'NULL_VALUE' },
    ])
    expect(JSON.stringify(given.value)).toBe('{"a":{"b":"xy"},"list":[true,{"c":1.5}],"none":null}')
  })

  it('are bounded, and harm nobody', () => {
    const given = new PartialArguments()
    given.add([
      { jsonPath: '$.__proto__.polluted', stringValue: 'x' },
      { jsonPath: '$.far[999999]', stringValue: 'x' },
      { jsonPath: '$.far.length', numberValue: 4_000_000_000 },
      { jsonPath: '$[', stringValue: 'x' },
      { jsonPath: 'a', stringValue: 'x' },
      { jsonPath: '$', stringValue: 'x' },
      'nothing',
      ...Array.from({ length: 2000 }, (_, nth) => ({ jsonPath: `$.k${nth}[0]`, numberValue: nth })),
    ])
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
    expect((given.value as { far: unknown[] }).far.length).toBeLessThanOrEqual(1001)
    expect(Object.keys(given.value).length).toBeLessThan(300)
  })
})

describe('a request to generateContent', () => {
  it.each([
    ['/v1beta/models/gemini-2.5-pro:generateContent', 'gemini-2.5-pro', false],
    ['/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse', 'gemini-2.5-pro', true],
    ['/v1/models/gemini%2D3:streamGenerateContent', 'gemini-3', true],
    ['/v1beta/tunedModels/sea-1:generateContent', 'sea-1', false],
    ['/v1/projects/p/locations/l/publishers/google/models/gemini-3-pro:generateContent', 'gemini-3-pro', false],
    ['/v1beta/models/%E0%A4%A:generateContent', '%E0%A4%A', false],
    ['/v1beta/models/m:generateContent?x=:streamGenerateContent', 'm', false],
  ])('names its model, and whether it wants a stream, by its path %s', (path, model, stream) => {
    for (const body of ['{"contents":[]}', 'no JSON', ''])
      expect(asked(path, body).request).toMatchObject({ model, stream, malformed: body !== '{"contents":[]}' })
  })

  it('is read in both spellings', () => {
    const camel = {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      generationConfig: {
        temperature: 0.1,
        topP: 0.2,
        topK: 3,
        maxOutputTokens: 4,
        stopSequences: ['X'],
        seed: 5,
        frequencyPenalty: 0.6,
        presencePenalty: 0.7,
        candidateCount: 2,
        responseMimeType: 'application/json',
        responseSchema: { type: 'OBJECT' },
        responseLogprobs: true,
        thinkingConfig: { thinkingLevel: 'high' },
      },
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
      tools: [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }] }, { googleSearch: {} }],
      serviceTier: 'flex',
    }
    const snake = JSON.parse(
      JSON.stringify(camel).replace(/"([a-z]+(?:[A-Z][a-z]*)+)":/g, (_, name: string) => {
        return `"${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}":`
      }),
    )
    expect(Object.keys(snake)).toContain('generation_config')
    const facts = geminiContent.readRequest(camel)
    expect(facts).toMatchObject({
      stream: false,
      messages: [{ role: 'system', text: 'Be brief.' }],
      toolNames: ['f', 'g', 'googleSearch'],
      parameters: {
        temperature: 0.1,
        top_p: 0.2,
        top_k: 3,
        max_tokens: 4,
        stop: ['X'],
        seed: 5,
        frequency_penalty: 0.6,
        presence_penalty: 0.7,
        n: 2,
        response_format: 'json_schema',
        logprobs: true,
        reasoning_effort: 'high',
        tool_choice: 'ANY',
        service_tier: 'flex',
      },
    })
    const other = geminiContent.readRequest(snake)
    expect({ ...other, toolNames: [], toolsText: null }).toEqual({ ...facts, toolNames: [], toolsText: null })
    expect(other.toolNames).toEqual(['f', 'g', 'google_search'])
  })

  it('shows media by size, calls by name and results as messages', () => {
    const { messages } = geminiContent.readRequest({
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'Look:' },
            { inlineData: { mimeType: 'image/png', data: 'A'.repeat(4000) } },
            { file_data: { mime_type: 'image/jpeg', file_uri: 'https://x/y' } },
            { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } },
            { fileData: { mimeType: 'application/pdf', fileUri: 'https://x/z' } },
          ],
        },
        {
          role: 'model',
          parts: [
            { text: 'hm', thought: true },
            { functionCall: { id: 'c1', name: 'f', args: { a: 1 } } },
            { executableCode: { code: '1' } },
          ],
        },
        { role: 'user', parts: [{ functionResponse: { id: 'c1', name: 'f', response: { ok: true } } }] },
        'And now?',
      ],
    })
    expect(messages).toMatchObject([
      {
        role: 'user',
        text: 'Look:\n[image 3 kB]\n[image link]\n[audio 3 B]\n[pdf link]',
        images: [
          { bytes: 3000, url: false },
          { bytes: null, url: true },
        ],
      },
      {
        role: 'model',
        text: '[thought 2 B]\n[executableCode]',
        toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":1}' }],
      },
      { role: 'tool', name: 'f', toolCallId: 'c1', text: '{"ok":true}' },
      { role: 'user', text: 'And now?' },
    ])
  })

  it('that was not kept still says by its path how the answer is to be read', () => {
    const exchange = exchangeFor('/v1beta/models/m:streamGenerateContent', '', '[{"candidates":[]}]')
    const seen = observe({ ...exchange, request: { pieces: [], size: 500, whole: false } }, provider, 'test')
    expect(seen.request).toMatchObject({ model: 'm', stream: true, malformed: false })
    expect(seen.framing).toBe('json-array')
  })
})

describe('embeddings of Gemini', () => {
  it('are counted', () => {
    expect(whole(geminiEmbeddings, { embedding: { values: [0.1] } })).toMatchObject({ embeddings: 1, usage: null })
    const embeddings = [{ values: [1] }, { values: [2] }]
    expect(whole(geminiEmbeddings, { embeddings, usageMetadata: { promptTokenCount: 6 } })).toMatchObject({
      embeddings: 2,
      usage: { input: 6, output: null },
      tokenSource: 'reported',
    })
  })

  it('tell what was asked', () => {
    const content = (text: string) => ({ parts: [{ text }] })
    const one = geminiEmbeddings.readRequest({ content: content('a'), outputDimensionality: 64 })
    expect(one).toMatchObject({ inputs: 1, messages: [{ text: 'a' }], parameters: { dimensions: 64 } })
    const more = geminiEmbeddings.readRequest({
      requests: [{ content: content('a'), output_dimensionality: 8 }, { content: content('b') }],
    })
    expect(more).toMatchObject({ inputs: 2, messages: [{ text: 'a' }, { text: 'b' }], parameters: { dimensions: 8 } })
  })

  it('too many to be read still give their counts', () => {
    const values = Array.from({ length: 768 }, (_, nth) => nth / 1000)
    const answer = { embeddings: Array(400).fill({ values }), usageMetadata: { promptTokenCount: 4321 } }
    const exchange = exchangeFor('/v1beta/models/e:batchEmbedContents', '{"requests":[]}', JSON.stringify(answer))
    expect(observe(exchange, provider, 'test').decoded).toMatchObject({ usage: { input: 4321 }, embeddings: null })
  })
})

describe('images of Imagen', () => {
  const image = (bytes: number) => ({ mimeType: 'image/png', bytesBase64Encoded: 'A'.repeat((bytes * 4) / 3) })

  it('are counted, and shown by their size', () => {
    const decoded = whole(geminiPredict, { predictions: [image(3000), { raiFilteredReason: 'no' }, image(6000)] })
    expect(decoded).toMatchObject({ usage: { images: 2, input: null, output: null }, finishReason: null })
    expect(decoded.choices.map((choice) => choice.parts)).toEqual([['[image 3 kB]'], ['[image 6 kB]']])
  })

  it('that were all filtered are none', () => {
    const decoded = whole(geminiPredict, { predictions: [{ raiFilteredReason: 'no' }] })
    expect(decoded).toMatchObject({ usage: null, finishReason: 'content_filter' })
  })

  it('tell what was asked', () => {
    const body = { instances: [{ prompt: 'a sea' }], parameters: { sampleCount: 2 } }
    expect(geminiPredict.readRequest(body)).toMatchObject({
      messages: [{ text: 'a sea' }],
      parameters: { n: 2 },
      inputs: 1,
    })
  })
})

describe('an interaction', () => {
  it.each([
    ['completed', 'stop'],
    ['requires_action', 'tool_calls'],
    ['incomplete', 'length'],
    ['budget_exceeded', 'length'],
    ['cancelled', 'cancelled'],
    ['failed', 'error'],
    ['requires_continuation', 'pause'],
  ])('that is %s ended for %s', (status, reason) => {
    const event = { event_type: 'interaction.completed', interaction: { id: 'i', status } }
    expect(streamed(geminiInteractions, event)).toMatchObject({ finishReason: reason, terminated: true })
  })

  it('that runs in the background has not ended', () => {
    for (const status of ['in_progress', 'queued'])
      expect(whole(geminiInteractions, { id: 'i', status })).toMatchObject({
        finishReason: null,
        responseId: 'i',
        pending: true,
      })
  })

  it('that is streamed is not made later, though its first event says that it goes on', () => {
    const created = { event_type: 'interaction.created', interaction: { id: 'i', status: 'in_progress' } }
    expect(streamed(geminiInteractions, created)).toMatchObject({ pending: false, terminated: false })
  })

  it('says why it failed', () => {
    const interaction = { id: 'i', status: 'failed', errors: [{ code: 13, message: 'no' }] }
    expect(whole(geminiInteractions, interaction).error).toEqual({ message: 'no', type: 'failed', code: '13' })
    expect(whole(geminiInteractions, { status: 'failed' }).error?.message).toBe('the interaction failed')
  })

  it('counts thoughts beside the output, tools in the input, and searches', () => {
    const usage = {
      total_input_tokens: 50,
      total_tool_use_tokens: 10,
      total_cached_tokens: 20,
      total_output_tokens: 5,
      total_thought_tokens: 6,
      total_tokens: 71,
      input_tokens_by_modality: [
        { modality: 'text', tokens: 40 },
        { modality: 'audio', tokens: 10 },
      ],
      output_tokens_by_modality: [{ modality: 'image', tokens: 5 }],
      grounding_tool_count: [
        { type: 'google_maps', count: 4 },
        { type: 'google_search', count: 2 },
      ],
    }
    expect(whole(geminiInteractions, { status: 'completed', usage }).usage).toMatchObject({
      input: 60,
      inputUncached: 40,
      cacheRead: 20,
      output: 11,
      reasoning: 6,
      audioInput: 10,
      imageOutput: 5,
      webSearches: 2,
      totalReported: 71,
    })
  })

  it('is counted so far by the events in between', () => {
    const step = (usage: object) => ({ event_type: 'step.stop', index: 0, usage })
    expect(
      streamed(
        geminiInteractions,
        step({ total_input_tokens: 3 }),
        step({ total_input_tokens: 9, total_output_tokens: 1 }),
      ).usage,
    ).toMatchObject({ input: 9, output: 1 })
  })

  it('gives media as placeholders, and nothing that a tool returned', () => {
    const delta = (value: object) => ({ event_type: 'step.delta', index: 0, delta: value })
    const decoded = streamed(
      geminiInteractions,
      delta({ type: 'image', data: 'A'.repeat(4000) }),
      delta({ type: 'audio', data: 'A'.repeat(4000) }),
      delta({ type: 'video', uri: 'https://x' }),
      delta({ type: 'code_execution_result', result: 'no' }),
      delta({ type: 'thought_signature', signature: 'no' }),
      delta({ type: 'unheard_of', text: 'no' }),
    )
    expect(decoded.choices[0]).toMatchObject({ text: '', parts: ['[image 3 kB]', '[video link]', '[audio 3 kB]'] })
    expect(decoded.contentEvents).toBe(3)
  })

  it('names a call once, though its step and its delta both do', () => {
    const call = { type: 'code_execution_call', id: 'c', arguments: { code: '1' } }
    const decoded = streamed(
      geminiInteractions,
      { event_type: 'step.start', index: 1, step: { ...call, arguments: {} } },
      { event_type: 'step.delta', index: 1, delta: call },
    )
    expect(decoded.choices[0]?.toolCalls).toEqual([{ id: 'c', name: 'code_execution', arguments: '{"code":"1"}' }])
  })

  it('tells what was asked: a text, contents or steps', () => {
    const ask = (input: unknown) => geminiInteractions.readRequest({ model: 'm', input, stream: true })
    expect(ask('a')).toMatchObject({ model: 'm', stream: true, messages: [{ role: 'user', text: 'a' }] })
    expect(
      ask([
        { type: 'text', text: 'a' },
        { type: 'image', data: 'AAAA' },
      ]).messages,
    ).toMatchObject([{ role: 'user', text: 'a\n[image 3 B]', images: [{ bytes: 3 }] }])
    expect(
      ask([
        { type: 'user_input', content: [{ type: 'text', text: 'a' }] },
        { type: 'thought', signature: 's' },
        { type: 'function_call', id: 'c', name: 'f', arguments: { x: 1 } },
        { type: 'function_result', call_id: 'c', name: 'f', result: 'ok' },
        { type: 'model_output', content: [{ type: 'text', text: 'b' }] },
      ]).messages,
    ).toMatchObject([
      { role: 'user', text: 'a' },
      { role: 'model', text: '[thought]' },
      { role: 'model', toolCalls: [{ id: 'c', name: 'f', arguments: '{"x":1}' }] },
      { role: 'tool', name: 'f', text: 'ok', toolCallId: 'c' },
      { role: 'model', text: 'b' },
    ])
    expect(geminiInteractions.readRequest({ agent: 'deep-research', input: 5 })).toMatchObject({
      model: 'deep-research',
      messages: [],
    })
  })
})

it('reads whatever it is fed without throwing', () => {
  const part = fc.dictionary(
    fc.constantFrom('text', 'thought', 'functionCall', 'inlineData', 'executableCode', 'toolCall', 'fileData', 'type'),
    fc.oneof(
      fc.jsonValue(),
      fc.record({ name: fc.jsonValue(), partialArgs: fc.jsonValue(), willContinue: fc.jsonValue() }),
    ),
  )
  const odd = fc.record(
    {
      candidates: fc.oneof(fc.jsonValue(), fc.array(fc.record({ content: fc.record({ parts: fc.array(part) }) }))),
      usageMetadata: fc.jsonValue(),
      promptFeedback: fc.jsonValue(),
      event_type: fc.constantFrom('step.start', 'step.delta', 'interaction.completed', 'error', 5),
      step: part,
      delta: part,
      interaction: fc.jsonValue(),
      contents: fc.oneof(fc.jsonValue(), fc.array(fc.record({ parts: fc.array(part) }))),
      tools: fc.jsonValue(),
      input: fc.oneof(fc.jsonValue(), fc.array(part)),
      error: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(odd, fc.jsonValue()), { maxLength: 5 }), (values) => {
      for (const format of [geminiContent, geminiContentStream, geminiEmbeddings, geminiInteractions, geminiPredict]) {
        expect(streamed(format, ...values)).toHaveProperty('choices')
        for (const value of values) {
          expect(whole(format, value)).toHaveProperty('choices')
          format.readRequest(value)
        }
      }
    }),
  )
})
