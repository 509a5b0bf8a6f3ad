import { bareName } from './encodings.ts'

/** What a model's chat template adds to the words, in tokens. */
export interface Template {
  /** Before the first message and to make the model answer. */
  prompt: number
  message: number
  /** Of a message that carries one. */
  name: number
  /** A tool call of an earlier turn, with what frames its result. */
  pastCall: number
  /** The same in the old form (`function_call`), and its result. */
  oldCall: number
  oldResult: number
  /** A generated tool call, and each of its arguments. */
  call: number
  argument: number
  /** As soon as there are tools. */
  tools: number
  /** Of the tokens of the definitions as JSON. */
  toolsShare: number
}

/** OpenAI's own rule, and constants that others have measured (wire-formats 14.2, 14.3); about right elsewhere. */
const usual: Template = {
  prompt: 3,
  message: 3,
  name: 1,
  pastCall: 8,
  oldCall: 3,
  oldResult: -2,
  call: 7,
  argument: 0,
  tools: 0,
  toolsShare: 0.8,
}

/** By prefix, the first that fits: what public recordings of these models show. */
const rows: readonly (readonly [prefix: string, template: Partial<Template>])[] = [
  ['gpt-3.5-turbo-0301', { message: 4, name: -1 }],
  // knowledge cutoff, date and channels
  ['gpt-oss', { prompt: 67 }],
  ['openai.gpt-oss', { prompt: 67 }],
  // knowledge cutoff and date
  ['llama-3', { prompt: 29 }],
  ['llama3', { prompt: 29 }],
  // 346 is what the vendor says; the rest is XML
  ['claude', { pastCall: 37, call: 18, argument: 13, tools: 346 }],
]

export function templateOf(model: string | null): Template {
  const name = bareName(model)
  return { ...usual, ...rows.find(([prefix]) => name.startsWith(prefix))?.[1] }
}
