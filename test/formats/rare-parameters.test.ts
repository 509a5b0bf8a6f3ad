import { describe, expect, it } from 'vitest'
import { noFacts } from '../../src/formats/decoder.ts'
import { rareParameters, sizesOf } from '../../src/formats/rare-parameters.ts'

describe('what few requests say', () => {
  it('is there only where it is said', () => {
    expect(rareParameters({ model: 'm', messages: [], temperature: 1 })).toEqual({})
    expect(rareParameters(null)).toEqual({})
    expect(rareParameters([1])).toEqual({})
  })

  it.each<[string, object, object]>([
    [
      'OpenAI',
      {
        verbosity: 'low',
        modalities: ['text', 'audio'],
        audio: { voice: 'alloy', format: 'wav' },
        prediction: { type: 'content', content: 'a secret draft' },
        web_search_options: { search_context_size: 'high' },
        metadata: { ticket: '4711', customer: 'Ada' },
        store: true,
        prompt_cache_key: 'customer-ada',
        prompt_cache_retention: '24h',
        stream_options: { include_obfuscation: false },
        logit_bias: { 50256: -100, 11: 2 },
        top_logprobs: 5,
      },
      {
        verbosity: 'low',
        modalities: ['text', 'audio'],
        audio_voice: 'alloy',
        audio_format: 'wav',
        prediction: true,
        web_search: true,
        search_context: 'high',
        metadata_fields: 2,
        store: true,
        prompt_cache_key: true,
        prompt_cache_retention: '24h',
        include_obfuscation: false,
        logit_bias: 2,
        top_logprobs: 5,
      },
    ],
    [
      'OpenAI for a response',
      {
        previous_response_id: 'resp_0',
        background: true,
        tools: [{ type: 'function' }, null, { type: 'web_search', search_context_size: 'medium' }],
        reasoning: { effort: 'high', summary: 'auto' },
      },
      { previous_response_id: 'resp_0', background: true, search_context: 'medium', reasoning_summary: 'auto' },
    ],
    [
      'OpenAI for an image',
      { size: '1024x1536', quality: 'high', tools: [{ type: 'function' }] },
      { size: '1024x1536', quality: 'high' },
    ],
    ['OpenAI for sound', { voice: 'alloy', language: 'de' }, { voice: 'alloy', language: 'de' }],
    [
      'Anthropic',
      { thinking: { type: 'enabled', budget_tokens: 1024 }, inference_geo: 'us', speed: 'fast' },
      { thinking: 'enabled', thinking_budget: 1024, inference_geo: 'us', speed: 'fast' },
    ],
    [
      'Groq',
      { reasoning_format: 'parsed', include_reasoning: false },
      { reasoning_format: 'parsed', include_reasoning: false },
    ],
    ['OpenRouter', { models: ['a/b', 'c/d'], top_a: 0.1 }, { fallback_models: ['a/b', 'c/d'], top_a: 0.1 }],
    [
      'vLLM',
      { stream_options: { continuous_usage_stats: true }, best_of: 3 },
      { continuous_usage_stats: true, best_of: 3 },
    ],
    ['Mistral', { prompt_mode: 'reasoning', safe_prompt: true }, { prompt_mode: 'reasoning', safe_prompt: true }],
    ['Ollama', { options: { typical_p: 0.7, repeat_last_n: 33 } }, { typical_p: 0.7, repeat_last_n: 33 }],
    [
      'Gemini',
      {
        generationConfig: {
          thinkingConfig: { thinkingBudget: 0, includeThoughts: true },
          responseModalities: ['TEXT'],
        },
      },
      { thinking_budget: 0, include_reasoning: true, modalities: ['TEXT'] },
    ],
  ])('in the words of %s is said in ours', (_vendor, body, expected) => {
    expect(rareParameters(body)).toEqual(expected)
  })

  it('never holds what is long or of another kind', () => {
    expect(rareParameters({ verbosity: 'x'.repeat(500), top_logprobs: {}, models: 'a', logit_bias: 'many' })).toEqual({
      verbosity: 'x'.repeat(100),
    })
    const { fallback_models } = rareParameters({ models: Array(50).fill('y'.repeat(500)) })
    expect(fallback_models).toEqual(Array(16).fill('y'.repeat(100)))
  })
})

it('the size of what was said stands in for the words where these are not kept', () => {
  const bare = { role: 'user', name: null, toolCalls: [], toolCallId: null, images: [] }
  const messages = [
    { ...bare, text: 'four' },
    {
      ...bare,
      text: 'sixsix',
      images: [
        { bytes: 1200, detail: null, url: false },
        { bytes: null, detail: null, url: true },
      ],
    },
  ]
  expect(sizesOf({ ...noFacts, messages })).toEqual({ messages: 2, characters: 10, images: 2, image_bytes: 1200 })
  expect(sizesOf(noFacts)).toEqual({})
})
