export type Encoding = 'o200k_base' | 'cl100k_base' | 'p50k_base' | 'r50k_base'

/** The encoding a model's tokens are estimated with; models without a public tokenizer are estimated with the newest one. */
export function encodingFor(model: string | null): Encoding {
  const name = withoutVendor((model ?? '').toLowerCase())
  if (name === 'gpt-4') return 'cl100k_base'
  return table.find(([prefix]) => name.startsWith(prefix))?.[1] ?? 'o200k_base'
}

const withoutVendor = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/** By prefix, the first that fits; longer ones stand before those they begin with. */
const table: readonly (readonly [prefix: string, encoding: Encoding])[] = [
  ['gpt-5', 'o200k_base'],
  ['gpt-4.5-', 'o200k_base'],
  ['gpt-4.1', 'o200k_base'],
  ['gpt-4o', 'o200k_base'],
  ['chatgpt-4o-', 'o200k_base'],
  ['gpt-oss-', 'o200k_base'],
  ['ft:gpt-4o', 'o200k_base'],
  ['ft:gpt-4.1', 'o200k_base'],
  ['gpt-4-', 'cl100k_base'],
  ['ft:gpt-4', 'cl100k_base'],
  ['gpt-3.5', 'cl100k_base'],
  ['gpt-35-turbo', 'cl100k_base'],
  ['ft:gpt-3.5-turbo', 'cl100k_base'],
  ['davinci-002', 'cl100k_base'],
  ['babbage-002', 'cl100k_base'],
  ['ft:davinci-002', 'cl100k_base'],
  ['ft:babbage-002', 'cl100k_base'],
  ['text-embedding-ada-002', 'cl100k_base'],
  ['text-embedding-3-', 'cl100k_base'],
  ['text-davinci-00', 'p50k_base'],
  ['code-davinci-', 'p50k_base'],
  ['code-cushman-', 'p50k_base'],
  ['text-curie-', 'r50k_base'],
  ['text-babbage-', 'r50k_base'],
  ['text-ada-', 'r50k_base'],
]
