import { describe, expect, it } from 'vitest'
import { costOf } from '../../src/meter/cost.ts'
import { findPrice } from '../../src/meter/match.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import { type Usage, unknownUsage } from '../../src/records/usage.ts'

const book = loadPrices()
const found = (provider: string, model: string): string | null => {
  const entry = findPrice(book, provider, model)
  return entry === null ? null : entry.fromRule ? 'rule' : entry.model
}

/** Each block is one rule of how a model's name finds its price; `null`: no entry, and no near one. */
describe('the entry for a model name', () => {
  describe.each<[string, readonly (readonly [provider: string, model: string, entry: string | null])[]]>([
    [
      'is that of its provider, by its name or another name of it, in any case of letters',
      [
        ['openai', 'gpt-4o', 'gpt-4o'],
        ['openai', 'GPT-4o-Mini', 'gpt-4o-mini'],
        ['deepseek', 'deepseek-v4-flash', 'deepseek-flash'],
        ['xai', 'grok-4-0709', 'grok-4'],
        ['fireworks', 'deepseek-v3p2', 'accounts/fireworks/models/deepseek-v3p2'],
        ['sambanova', 'meta-llama-3.3-70b-instruct', 'Meta-Llama-3.3-70B-Instruct'],
        ['openai', 'claude-sonnet-4-5', null],
        ['openai', 'gpt-99', null],
        ['openai', '__proto__', null],
        ['openai', '', null],
      ],
    ],
    [
      'is found below the name of a provider',
      [
        ['openai', 'openai/gpt-4o', 'gpt-4o'],
        ['google', 'gemini/gemini-2.5-pro', 'gemini-2.5-pro'],
        ['google', 'models/gemini-2.5-flash', 'gemini-2.5-flash'],
        ['vertex', 'projects/p/locations/l/publishers/google/models/gemini-2.5-pro', 'gemini-2.5-pro'],
        ['azure', 'azure/gpt-4o', 'gpt-4o'],
        ['xai', 'x-ai/grok-4.3', 'grok-4.3'],
        ['mistral', 'mistralai/mistral-small-latest', 'mistral-small-latest'],
        ['deepseek', 'deepseek/deepseek-chat', 'deepseek-chat'],
        ['perplexity', 'perplexity/sonar-pro', 'sonar-pro'],
        ['together', 'together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo', 'meta-llama/Llama-3.3-70B-Instruct-Turbo'],
        ['fireworks', 'fireworks_ai/accounts/fireworks/models/glm-5p2', 'accounts/fireworks/models/glm-5p2'],
        ['openai', 'nobody/gpt-4o', null],
      ],
    ],
    [
      'has the part before a slash in its name where vendors write it so',
      [
        ['openrouter', 'openai/gpt-4o', 'openai/gpt-4o'],
        ['together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', 'meta-llama/Llama-3.3-70B-Instruct-Turbo'],
        ['deepinfra', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', 'meta-llama/Llama-3.3-70B-Instruct-Turbo'],
        ['groq', 'meta-llama/llama-4-scout-17b-16e-instruct', 'meta-llama/llama-4-scout-17b-16e-instruct'],
        ['fireworks', 'accounts/fireworks/models/kimi-k2p6', 'accounts/fireworks/models/kimi-k2p6'],
        ['together', 'Llama-3.3-70B-Instruct-Turbo', null],
      ],
    ],
    [
      'is found without its date or another version that changes no price',
      [
        ['openai', 'gpt-4o-2031-12-31', 'gpt-4o'],
        ['openai', 'gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
        ['anthropic', 'claude-sonnet-4-5-20310101', 'claude-sonnet-4-5'],
        ['anthropic', 'claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
        ['vertex', 'claude-haiku-4-5@default', 'claude-haiku-4-5'],
        ['anthropic', 'anthropic/claude-sonnet-4-5-latest', 'claude-sonnet-4-5'],
        ['vertex', 'gemini-2.5-pro-001', 'gemini-2.5-pro'],
        ['anthropic', 'claude-sonnet-4-5-20310101-latest', 'claude-sonnet-4-5'],
      ],
    ],
    [
      'never loses a number or a size of its name',
      [
        ['openai', 'gpt-5.6.1', null],
        ['openai', 'gpt-4o-nano', null],
        ['anthropic', 'claude-opus-4-99', null],
        ['mistral', 'mistral-large-9', null],
        ['mistral', 'mistral-large-9912', null],
        ['xai', 'grok-4.99', null],
        ['deepinfra', 'meta-llama/Llama-3.3-7B-Instruct-Turbo', null],
      ],
    ],
    [
      'of Azure is that of the answer, in the spelling of Azure too, with its data zone',
      [
        ['azure', 'gpt-4o-2024-08-06', 'gpt-4o-2024-08-06'],
        ['azure', 'gpt-35-turbo', 'gpt-3.5-turbo'],
        ['azure', 'gpt-35-turbo-2031-01-01', 'gpt-3.5-turbo'],
        ['azure', 'eu/gpt-4o-2024-11-20', 'eu/gpt-4o-2024-11-20'],
        ['azure', 'gpt-4o-mini-2024-07-18.ft-0123456789abcdef', null],
        ['azure', 'our-deployment', null],
      ],
    ],
    [
      'of Bedrock may carry a geography, be an ARN, or stand bare',
      [
        ['bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'],
        ['bedrock', 'anthropic.claude-haiku-4-5-20251001-v1:0', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
        ['bedrock', 'global.anthropic.claude-haiku-4-5-20251001-v1:0', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
        ['bedrock', 'apac.meta.llama3-8b-instruct-v1:0', 'meta.llama3-8b-instruct-v1:0'],
        [
          'bedrock',
          'arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0',
          'eu.anthropic.claude-haiku-4-5-20251001-v1:0',
        ],
        ['bedrock', 'ca.anthropic.claude-haiku-4-5-20251001-v1:0', null],
      ],
    ],
    [
      'of Vertex has a version after @, and partners their names before a slash',
      [
        ['vertex', 'claude-3-5-sonnet@20240620', 'claude-3-5-sonnet'],
        ['vertex', 'claude-3-5-sonnet-v2@20241022', 'claude-3-5-sonnet-v2@20241022'],
        ['vertex', 'publishers/anthropic/models/claude-haiku-4-5@20251001', 'claude-haiku-4-5'],
        ['vertex', 'openai/gpt-oss-120b-maas', 'openai/gpt-oss-120b-maas'],
      ],
    ],
    [
      'of a fine-tune is that of its kind, never that of the base model',
      [
        ['openai', 'ft:gpt-4o-mini-2024-07-18:acme::abc123', 'ft:gpt-4o-mini-2024-07-18'],
        ['openai', 'ft:gpt-3.5-turbo-2031-01-01:acme:x:abc', 'ft:gpt-3.5-turbo'],
        ['openai', 'ft:gpt-4o-mini-2031-01-01:acme::abc123', null],
        ['openai', 'ft:gpt-99:acme::x', null],
        ['fireworks', 'accounts/acme/models/our-lora', null],
        ['fireworks', 'accounts/fireworks/models/glm-5p2#accounts/acme/deployments/d', null],
      ],
    ],
    [
      'of OpenRouter has variants: free ones cost nothing, the others what the model costs',
      [
        ['openrouter', 'somebody/something:free', 'rule'],
        ['openrouter', 'openai/gpt-4o:nitro', 'openai/gpt-4o'],
        ['openrouter', 'openai/gpt-4o:floor', 'openai/gpt-4o'],
        ['openrouter', 'openai/gpt-4o:exacto', 'openai/gpt-4o'],
        ['openrouter', 'openai/gpt-4o:online', 'openai/gpt-4o'],
        ['openrouter', 'openai/gpt-4o-mini:extended', 'openai/gpt-4o-mini'],
        ['openrouter', 'openai/gpt-4o:thinking', 'openai/gpt-4o'],
        ['openrouter', 'anthropic/claude-3.7-sonnet:thinking', 'anthropic/claude-3.7-sonnet:thinking'],
        ['openrouter', 'openai/gpt-4o:novel', null],
      ],
    ],
    [
      'of own hardware is a rule for whatever runs there, tags and all, but not for what runs elsewhere',
      [
        ['ollama', 'llama3.2:3b', 'rule'],
        ['ollama', 'qwen3:8b-q4_K_M', 'rule'],
        ['ollama', 'anything:latest', 'rule'],
        ['vllm', 'my/own-model', 'rule'],
        ['llamacpp', 'x.gguf', 'rule'],
        ['sglang', 'Qwen/Qwen3-8B', 'rule'],
        ['lmstudio', 'openai/gpt-oss-20b', 'rule'],
        ['ollama', 'gpt-oss:120b-cloud', null],
        ['ollama', 'deepseek-v3.1:cloud', null],
        ['ollama', 'gpt-oss-cloud:latest', null],
      ],
    ],
    [
      'of a provider without a list counts only where one provider alone has that very name',
      [
        ['gateway', 'sonar-deep-research', 'sonar-deep-research'],
        ['gateway', 'gpt-4o', null],
        ['gateway', 'sonar-deep-research-latest', null],
      ],
    ],
  ])('%s', (_rule, cases) => {
    it.each(cases)('%s %s', (provider, model, entry) => {
      expect(found(provider, model)).toBe(entry)
    })
  })
})

describe('a cost that is not known says why', () => {
  const usual = { wallMs: 0, estimated: false, serviceTier: null, batch: false, conditions: [] }
  const reason = (provider: string, model: string | null, counts: Partial<Usage> = { input: 1, output: 1 }) =>
    costOf({ ...usual, provider, model, usage: { ...unknownUsage, ...counts } }, book).unpricedReason

  it.each([
    ['openai', 'gpt-99', 'no price for openai/gpt-99'],
    ['gateway', 'gpt-4o', 'no price list of the provider gateway, and no other alone has gpt-4o'],
    ['openai', null, 'no model named by openai'],
  ])('%s %s: %s', (provider, model, text) => {
    expect(reason(provider, model)).toBe(text)
  })

  it('where a count or a price is missing', () => {
    expect(reason('openai', 'gpt-4o', { input: 1 })).toBe('no output count for openai/gpt-4o')
    expect(reason('openai', 'gpt-4o', { output: 1 })).toBe('no input count for openai/gpt-4o')
  })

  it('and a cost by the base price says which service tier has none', () => {
    const call = { ...usual, provider: 'openai', model: 'gpt-4o', usage: { ...unknownUsage, input: 1, output: 1 } }
    const note = (serviceTier: string) => costOf({ ...call, serviceTier }, book).note
    expect(note('scale')).toBe('no price of the service tier scale is known: the base price was billed')
    expect([note('default'), note('priority')]).toEqual([null, null])
  })
})
