import type { Decoded, RequestFacts, RequestMessage, ToolCall } from '../formats/decoder.ts'
import { audioText, imageText, tokenIdsIn } from '../formats/request-text.ts'
import { objectOf, parseJson } from '../records/json.ts'
import type { Operation } from '../records/outcome.ts'
import { audioInputTokens, audioOutputTokens } from './audio-tokens.ts'
import { bareName, encodingFor } from './encodings.ts'
import { imageTokens } from './image-tokens.ts'
import type { TokenCounter } from './metered.ts'
import { type Template, templateOf } from './templates.ts'
import { countedCharacters } from './tokens.ts'
import { functionTypes } from './tool-text.ts'

export interface Estimate {
  /** Null when the request could not be read. */
  input: number | null
  output: number
  /**
   * What counted, and what to think of it: `o200k_base`, with `, a stand-in` where it is not the model's own, with
   * `, extrapolated` when only a part was counted, with `, visible output only` for models that do not show their reasoning;
   * `characters/4` when nothing could count.
   */
  tokenizer: string
}

/** Counts what was asked and what arrived, for answers that say nothing themselves. A lower bound where an answer was cut. */
export async function estimate(
  operation: Operation,
  request: RequestFacts,
  decoded: Decoded | null,
  counter: TokenCounter,
): Promise<Estimate> {
  const model = decoded?.model ?? request.model
  const chosen = encodingFor(model)
  const chat = operation === 'chat'
  const { messages } = request
  const asked = chat ? chatTexts(messages) : messages.map(words)
  const answered = decoded === null ? [] : answerTexts(decoded, request)
  const template = templateOf(model)
  const tools = toolsOf(request, template, chosen.own)
  const texts = [...asked, ...answered, ...tools.texts]
  const { counts, tokenizer } = await counted(chosen.encoding, texts, counter)
  const total = (from: number, to?: number): number => counts.slice(from, to).reduce((sum, tokens) => sum + tokens, 0)
  const output = total(asked.length, asked.length + answered.length) + (decoded ? unspoken(decoded, template) : 0)
  const input =
    total(0, asked.length) +
    (chat ? framing(messages, template) : 0) +
    Math.ceil(total(asked.length + answered.length) * tools.share) +
    tools.fixed +
    sumOf(messages.map((message) => wordless(message, model)))
  const remarks = [
    ...(chosen.own ? [] : ['a stand-in']),
    ...(sumOf(texts.map(({ length }) => length)) > countedCharacters ? ['extrapolated'] : []),
    ...(output > 0 && hidesReasoning(model, request, decoded) ? ['visible output only'] : []),
  ]
  return {
    input: messages.length === 0 ? null : input,
    output,
    tokenizer: tokenizer === null ? 'characters/4' : [tokenizer, ...remarks].join(', '),
  }
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

async function counted(
  encoding: string,
  texts: readonly string[],
  counter: TokenCounter,
): Promise<{ counts: readonly number[]; tokenizer: string | null }> {
  try {
    return { counts: await counter.count(encoding, texts), tokenizer: encoding }
  } catch {
    // the tokenizer failed twice; its errors are the counter's to tell, and a rougher estimate still says so
    return { counts: texts.map((text) => Math.ceil(text.length / 4)), tokenizer: null }
  }
}

const chatTexts = (messages: readonly RequestMessage[]): string[] =>
  messages.flatMap((message) => [message.role, words(message), message.name ?? '', ...callTexts(message.toolCalls)])

const callTexts = (calls: readonly ToolCall[]): string[] => calls.flatMap((call) => [call.name, call.arguments])

/** What a message says in words: its pictures and recordings are counted by rule, token ids are tokens already. */
function words({ text, images, audio = [] }: RequestMessage): string {
  if (tokenIdsIn(text) !== null) return ''
  return [...images.map(imageText), ...audio.map(audioText)].reduce((rest, shown) => rest.replace(shown, ''), text)
}

const wordless = ({ text, images, audio = [] }: RequestMessage, model: string | null): number =>
  (tokenIdsIn(text) ?? 0) +
  sumOf(images.map((image) => imageTokens(model, image))) +
  sumOf(audio.map((recording) => audioInputTokens(model, recording)))

function framing(messages: readonly RequestMessage[], template: Template): number {
  const each = messages.map(
    ({ role, name, toolCalls }) =>
      template.message +
      (name ? template.name : 0) +
      (role === 'function' ? template.oldResult : 0) +
      sumOf(toolCalls.map(({ id }) => (id === null ? template.oldCall : template.pastCall))),
  )
  return template.prompt + sumOf(each)
}

interface Tools {
  texts: readonly string[]
  /** Of the tokens of these texts. */
  share: number
  fixed: number
}

/** Constants of OpenAI's template as others have measured them (wire-formats 14.3). */
const openaiTools = { block: 9, sharedSystem: -4, forced: 4, none: 1 }

function toolsOf({ toolsText, messages, parameters }: RequestFacts, template: Template, own: boolean): Tools {
  if (toolsText === null) return { texts: [], share: 1, fixed: 0 }
  const types = own ? functionTypes(toolsText) : null
  if (types === null) return { texts: [toolsText], share: template.toolsShare, fixed: template.tools }
  const choice = parameters.tool_choice
  const forced = choice?.startsWith('function:') ? choice.slice('function:'.length) : null
  const system = messages.some(({ role }) => role === 'system' || role === 'developer')
  return {
    texts: forced === null ? [types] : [types, forced],
    share: 1,
    fixed:
      openaiTools.block +
      (system ? openaiTools.sharedSystem : 0) +
      (forced === null ? 0 : openaiTools.forced) +
      (choice === 'none' ? openaiTools.none : 0),
  }
}

function answerTexts(decoded: Decoded, request: RequestFacts): string[] {
  const prompts = request.echo ? request.messages.map((message) => message.text) : []
  return decoded.choices.flatMap((choice) => {
    const echoed = prompts.find((prompt) => prompt !== '' && choice.text.startsWith(prompt)) ?? ''
    return [choice.text.slice(echoed.length), choice.reasoning, choice.refusal, ...callTexts(choice.toolCalls)]
  })
}

const unspoken = ({ choices }: Decoded, { call, argument }: Template): number =>
  sumOf(
    choices.map(
      ({ toolCalls, audioBytes = 0 }) =>
        audioOutputTokens(audioBytes) + sumOf(toolCalls.map((made) => call + argument * argumentsOf(made))),
    ),
  )

const argumentsOf = (call: ToolCall): number => Object.keys(objectOf(parseJson(call.arguments)?.value)).length

const reasoning = /^(?:o[134]|gpt-5|codex|gemini-(?:2\.5|[3-9])|grok-4)/
const unreasoning = /^gpt-5[^/]*-chat/

/** Much of what such a model generated, and bills, may never have been sent. */
function hidesReasoning(model: string | null, request: RequestFacts, decoded: Decoded | null): boolean {
  const name = bareName(model)
  if (!reasoning.test(name) || unreasoning.test(name) || request.parameters.reasoning_effort === 'none') return false
  return decoded?.choices.every((choice) => choice.reasoning === '') ?? false
}
