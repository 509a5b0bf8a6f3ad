export type Encoding = 'o200k_base' | 'cl100k_base' | 'p50k_base' | 'r50k_base'

export interface ChosenEncoding {
  encoding: Encoding
  /** It is the model's own. Models without a public tokenizer, and unknown ones, are counted with the newest. */
  own: boolean
}

/** What a model's tokens are counted with. */
export function encodingFor(model: string | null): ChosenEncoding {
  const name = bareName(model)
  const encoding = exact[name] ?? table.find(([prefix]) => name.startsWith(prefix))?.[1]
  return { encoding: encoding ?? 'o200k_base', own: encoding !== undefined }
}

/** Without the vendor that a gateway puts in front (`openai/gpt-4o`). */
export const bareName = (model: string | null): string => {
  const name = (model ?? '').toLowerCase()
  return name.slice(name.lastIndexOf('/') + 1)
}

const exact: Readonly<Record<string, Encoding>> = {
  'gpt-4': 'cl100k_base',
  o1: 'o200k_base',
  o3: 'o200k_base',
  gpt2: 'r50k_base',
  davinci: 'r50k_base',
  curie: 'r50k_base',
  babbage: 'r50k_base',
  ada: 'r50k_base',
}

/** By prefix, the first that fits; longer ones stand before those they begin with. */
const table: readonly (readonly [prefix: string, encoding: Encoding])[] = [
  ['gpt-5', 'o200k_base'],
  ['gpt-4.5-', 'o200k_base'],
  ['gpt-4.1', 'o200k_base'],
  ['gpt-4o', 'o200k_base'],
  ['chatgpt-4o-', 'o200k_base'],
  // o200k_harmony has the same ranks, and special tokens that are counted as text here
  ['gpt-oss', 'o200k_base'],
  ['openai.gpt-oss', 'o200k_base'],
  ['o1-', 'o200k_base'],
  ['o3-', 'o200k_base'],
  ['o4-mini', 'o200k_base'],
  ['codex-mini', 'o200k_base'],
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
  ['text-davinci-001', 'r50k_base'],
  ['text-davinci-00', 'p50k_base'],
  ['code-davinci-', 'p50k_base'],
  ['code-cushman-', 'p50k_base'],
  ['davinci-codex', 'p50k_base'],
  ['cushman-codex', 'p50k_base'],
  ['text-davinci-edit-', 'p50k_base'],
  ['text-curie-', 'r50k_base'],
  ['text-babbage-', 'r50k_base'],
  ['text-ada-', 'r50k_base'],
  ['text-similarity-', 'r50k_base'],
  ['text-search-', 'r50k_base'],
  ['code-search-', 'r50k_base'],
]
