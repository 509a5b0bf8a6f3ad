import { describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { findRoute } from '../../src/formats/find-route.ts'
import { providerPath, usualPath } from '../../src/records/provider-paths.ts'

const providers = await loadProviders()

describe('a path of OpenAI', () => {
  it.each([
    ['groq', '/v1/chat/completions', '/openai/v1/chat/completions'],
    ['fireworks', '/v1/embeddings', '/inference/v1/embeddings'],
    ['deepinfra', '/v1/chat/completions', '/v1/openai/chat/completions'],
    ['deepinfra', '/v1/models/a/b', '/v1/openai/models/a/b'],
    ['perplexity', '/v1/chat/completions', '/chat/completions'],
    ['mistral', '/v1/chat/completions', '/v1/chat/completions'],
  ])('of %s: %s stands at %s, and is found again from there', (id, usual, own) => {
    const provider = providers.get(id)!
    expect(providerPath(provider, usual)).toBe(own)
    expect(providerPath(provider, `${usual}?a=/v1/x`)).toBe(`${own}?a=/v1/x`)
    expect(usualPath(provider, own)).toBe(usual)
    // what a client already writes as the vendor has it stays so
    expect(providerPath(provider, own)).toBe(own)
  })

  it('is only a name that fits whole', () => {
    const provider = providers.get('perplexity')!
    expect(providerPath(provider, '/v1/chat/completionsx')).toBe('/v1/chat/completionsx')
    expect(providerPath(provider, '/v1/chat/completions/1')).toBe('/v1/chat/completions/1')
  })
})

describe('every provider', () => {
  it.each([...providers.values()].map((provider) => [provider.id, provider] as const))(
    '%s reads a chat where a client of OpenAI or of the vendor itself sends it',
    (_id, provider) => {
      const chats = provider.routes.filter(({ format }) => format === 'openai-chat')
      if (chats.length === 0) return expect(provider.routes.some(({ format }) => format !== null)).toBe(true)
      const { format } = findRoute('POST', providerPath(provider, '/v1/chat/completions'), provider)
      expect(format?.id).toBe('openai-chat')
    },
  )
})
