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
  const usual = [
    ['/v1/chat/completions', 'openai-chat'],
    ['/v1/responses', 'openai-responses'],
    ['/v1/embeddings', 'openai-embeddings'],
    ['/v1/images/generations', 'openai-images'],
    ['/v1/audio/speech', 'openai-speech'],
    ['/v1/audio/transcriptions', 'openai-transcription'],
    ['/v1/moderations', 'openai-moderations'],
    ['/v1/rerank', 'rerank'],
  ] as const
  it.each([...providers.values()].map((provider) => [provider.id, provider] as const))(
    '%s reads what it offers of the API of OpenAI where a client of that sends it',
    (id, provider) => {
      expect(provider.routes.some(({ format }) => format !== null)).toBe(true)
      // its paths name the deployment
      if (id === 'azure') return
      for (const [path, format] of usual) {
        if (!provider.routes.some((route) => route.format === format)) continue
        expect([path, findRoute('POST', providerPath(provider, path), provider).format?.id]).toEqual([path, format])
      }
    },
  )
})
