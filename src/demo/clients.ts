import type Anthropic from '@anthropic-ai/sdk'
import type { Ollama } from 'ollama'
import type OpenAI from 'openai'

/** The official packages, as far as they are installed: a package of the product alone does not bring them. */
export async function loadClients(): Promise<Clients> {
  const [openai, anthropic, ollama] = await Promise.allSettled([
    import('openai'),
    import('@anthropic-ai/sdk'),
    import('ollama'),
  ])
  if (openai.status === 'fulfilled' && anthropic.status === 'fulfilled' && ollama.status === 'fulfilled') {
    return { OpenAI: openai.value.default, Anthropic: anthropic.value.default, Ollama: ollama.value.Ollama }
  }
  const packages = { openai, '@anthropic-ai/sdk': anthropic, ollama }
  const missing = Object.entries(packages).flatMap(([name, loaded]) => {
    if (loaded.status === 'fulfilled') return []
    if (!isMissing(loaded.reason)) throw loaded.reason
    return [name]
  })
  throw new MissingClients(
    `the demo calls through the official packages, and some are not installed: npm install ${missing.join(' ')}`,
  )
}

/** Some of the packages are not installed; the message says how to get them. */
export class MissingClients extends Error {
  override name = 'MissingClients'
}

export interface Clients {
  OpenAI: typeof OpenAI
  Anthropic: typeof Anthropic
  Ollama: typeof Ollama
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
