import type { Decoded, ImageFact, RequestFacts, RequestMessage, ToolCall } from '../formats/decoder.ts'
import type { Operation } from '../records/outcome.ts'
import { encodingFor } from './encodings.ts'
import type { TokenCounter } from './metered.ts'
import { countedCharacters } from './tokens.ts'

export interface Estimate {
  /** Null when the request could not be read. */
  input: number | null
  output: number
  /** What counted: `o200k_base`, with `, extrapolated` when only a part was counted; `characters/4` when nothing could. */
  tokenizer: string
}

/** Framing that a chat template adds (the rule of OpenAI's own examples; about right for others). */
const overhead = { reply: 3, message: 3, name: 1, toolCall: 8 }

/** Tool definitions reach the model in a form that is shorter than their JSON. */
const toolsShare = 0.8

/** Counts what was asked and what arrived, for answers that say nothing themselves. A lower bound where an answer was cut. */
export async function estimate(
  operation: Operation,
  request: RequestFacts,
  decoded: Decoded | null,
  counter: TokenCounter,
): Promise<Estimate> {
  const model = decoded?.model ?? request.model
  const chat = operation === 'chat'
  const asked = chat ? chatTexts(request) : request.messages.map((message) => message.text)
  const answered = decoded === null ? [] : answerTexts(decoded, request)
  const texts = [...asked, ...answered, request.toolsText ?? '']
  const { counts, tokenizer } = await counted(encodingFor(model), texts, counter)
  const total = (from: number, to: number): number => counts.slice(from, to).reduce((sum, tokens) => sum + tokens, 0)
  const tools = Math.ceil((counts.at(-1) ?? 0) * toolsShare)
  const images = request.messages
    .flatMap((message) => message.images)
    .reduce((sum, image) => sum + imageTokens(model, image), 0)
  const outputCalls = (decoded?.choices ?? []).reduce((sum, choice) => sum + choice.toolCalls.length, 0)
  return {
    input:
      request.messages.length === 0
        ? null
        : total(0, asked.length) + tools + images + (chat ? framing(request.messages) : 0),
    output: total(asked.length, asked.length + answered.length) + outputCalls * overhead.toolCall,
    tokenizer,
  }
}

async function counted(
  encoding: string,
  texts: readonly string[],
  counter: TokenCounter,
): Promise<{ counts: readonly number[]; tokenizer: string }> {
  const characters = texts.reduce((sum, text) => sum + text.length, 0)
  try {
    const counts = await counter.count(encoding, texts)
    return { counts, tokenizer: characters > countedCharacters ? `${encoding}, extrapolated` : encoding }
  } catch {
    // the tokenizer failed twice; its errors are the counter's to tell, and a rougher estimate still says so
    return { counts: texts.map((text) => Math.ceil(text.length / 4)), tokenizer: 'characters/4' }
  }
}

const chatTexts = (request: RequestFacts): string[] =>
  request.messages.flatMap((message) => [
    message.role,
    message.text,
    message.name ?? '',
    ...callTexts(message.toolCalls),
  ])

const callTexts = (calls: readonly ToolCall[]): string[] => calls.flatMap((call) => [call.name, call.arguments])

const framing = (messages: readonly RequestMessage[]): number =>
  messages.reduce(
    (sum, message) =>
      sum + overhead.message + (message.name ? overhead.name : 0) + message.toolCalls.length * overhead.toolCall,
    overhead.reply,
  )

function answerTexts(decoded: Decoded, request: RequestFacts): string[] {
  const prompts = request.echo ? request.messages.map((message) => message.text) : []
  return decoded.choices.flatMap((choice) => {
    const echoed = prompts.find((prompt) => prompt !== '' && choice.text.startsWith(prompt)) ?? ''
    return [choice.text.slice(echoed.length), choice.reasoning, choice.refusal, ...callTexts(choice.toolCalls)]
  })
}

/** By rule, for a picture whose size we do not know: 1024 × 1024. Its bytes are never counted as text. */
const imageRules: readonly (readonly [prefix: string, low: number, high: number])[] = [
  ['gpt-4o-mini', 2833, 2833 + 4 * 5667],
  ['claude', 1400, 1400],
  ['gemini', 258, 4 * 258],
  ['', 85, 85 + 4 * 170],
]

function imageTokens(model: string | null, image: ImageFact): number {
  const name = (model ?? '').toLowerCase()
  const [, low, high] = imageRules.find(([prefix]) => name.slice(name.lastIndexOf('/') + 1).startsWith(prefix)) ?? [
    '',
    85,
    765,
  ]
  return image.detail === 'low' ? low : high
}
