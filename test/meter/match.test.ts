import { describe, expect, it } from 'vitest'
import { findPrice } from '../../src/meter/match.ts'
import { loadPrices } from '../../src/meter/prices.ts'

const book = loadPrices()
const found = (provider: string, model: string): string | null => {
  const entry = findPrice(book, provider, model)
  return entry === null ? null : entry.fromRule ? 'rule' : entry.model
}

describe('the entry for a model name', () => {
  it.each([
    ['openai', 'gpt-4o', 'gpt-4o'],
    ['openai', 'GPT-4o-Mini', 'gpt-4o-mini'],
    ['openai', 'openai/gpt-4o', 'gpt-4o'],
    ['openai', 'gpt-4o-2031-12-31', 'gpt-4o'],
    ['openai', 'gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
    ['openai', 'ft:gpt-4o-mini-2024-07-18:acme::abc123', 'ft:gpt-4o-mini-2024-07-18'],
    ['anthropic', 'claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['anthropic', 'claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    ['anthropic', 'anthropic/claude-sonnet-4-5-latest', 'claude-sonnet-4-5'],
    ['google', 'models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['google', 'gemini/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['vertex', 'projects/p/locations/l/publishers/google/models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['openrouter', 'openai/gpt-4o', 'openai/gpt-4o'],
    ['openrouter', 'openai/gpt-4o:nitro', 'openai/gpt-4o'],
    ['openrouter', 'somebody/something:free', 'rule'],
    ['ollama', 'llama3.2:3b', 'rule'],
    ['ollama', 'anything:latest', 'rule'],
    ['vllm', 'my/own-model', 'rule'],
    ['llamacpp', 'x.gguf', 'rule'],
  ])('%s %s is %s', (provider, model, entry) => {
    expect(found(provider, model)).toBe(entry)
  })

  it.each([
    ['openai', 'gpt-99'],
    ['openai', 'gpt-4o-nano'],
    ['openai', 'gpt-5.6.1'],
    ['openai', 'ft:gpt-99:acme::x'],
    ['openai', 'claude-sonnet-4-5'],
    ['ollama', 'gpt-oss:120b-cloud'],
    ['ollama', 'deepseek-v3.1:cloud'],
    ['nobody', 'gpt-4o'],
    ['openai', '__proto__'],
    ['openai', ''],
  ])('%s %s has none: no near name is taken', (provider, model) => {
    expect(found(provider, model)).toBeNull()
  })

  it('of a provider without a list counts only where one provider alone has that name', () => {
    expect(found('gateway', 'sonar-deep-research')).toBe('sonar-deep-research')
    expect(found('gateway', 'gpt-4o')).toBeNull()
  })

  it('finds Bedrock ids with a geography, as an ARN, and bare', () => {
    expect(found('bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0')).toMatch(/^us\./)
    const bare = found('bedrock', 'anthropic.claude-haiku-4-5-20251001-v1:0')
    expect(bare).not.toBeNull()
    expect(
      found('bedrock', 'arn:aws:bedrock:us-east-1:1:inference-profile/anthropic.claude-haiku-4-5-20251001-v1:0'),
    ).toBe(bare)
  })
})
