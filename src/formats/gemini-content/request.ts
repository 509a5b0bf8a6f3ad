import { arrayAt, at, isObject, type JsonObject, numberAt, stringAt } from '../../records/json.ts'
import { type ImageFact, noFacts, type RequestFacts, type RequestMessage, type RequestParameters } from '../decoder.ts'
import { jsonText } from '../json-text.ts'
import {
  argumentsText,
  bytesOfBase64,
  imageFrom,
  imageText,
  messageOf,
  parametersOf,
  placeholder,
  scalarAt,
  stopsOf,
  toolsOf,
} from '../request-text.ts'
import { field } from './field.ts'

/** Facts of a generateContent request. Its path names the model. */
export function readContentRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  return {
    ...noFacts,
    parameters: contentParameters(body),
    messages: [
      // SDKs call the instruction a user's content
      ...contentMessages(field(body, 'systemInstruction'), 'user').map((message) => ({ ...message, role: 'system' })),
      ...contentMessages(body.contents, 'user'),
    ],
    ...toolsOf(arrayAt(body.tools).flatMap(declarationsOf)),
  }
}

function contentParameters(body: JsonObject): RequestParameters {
  const config = field(body, 'generationConfig')
  const number = (name: string): number | null => numberAt(field(config, name))
  const functions = field(field(body, 'toolConfig'), 'functionCallingConfig')
  const thinking = field(config, 'thinkingConfig')
  const schema = field(config, 'responseSchema') ?? field(config, 'responseJsonSchema')
  return parametersOf({
    temperature: number('temperature'),
    top_p: number('topP'),
    top_k: number('topK'),
    max_tokens: number('maxOutputTokens'),
    stop: stopsOf(field(config, 'stopSequences')),
    seed: scalarAt(config, 'seed'),
    frequency_penalty: number('frequencyPenalty'),
    presence_penalty: number('presencePenalty'),
    n: number('candidateCount'),
    tool_choice: stringAt(functions, 'mode'),
    response_format: isObject(schema) ? 'json_schema' : stringAt(field(config, 'responseMimeType')),
    reasoning_effort: stringAt(field(thinking, 'thinkingLevel')) ?? budgetOf(field(thinking, 'thinkingBudget')),
    service_tier: stringAt(field(body, 'serviceTier')),
    logprobs: field(config, 'responseLogprobs') === true ? true : null,
  })
}

const budgetOf = (budget: unknown): string | null => (typeof budget === 'number' ? String(budget) : null)

/** Functions by their names; the server's own tools (`googleSearch`, `codeExecution`) by theirs. */
function declarationsOf(tool: unknown): readonly unknown[] {
  const functions = arrayAt(field(tool, 'functionDeclarations'))
  const own = isObject(tool) ? Object.keys(tool).filter((name) => !/^function_?declarations$/i.test(name)) : []
  return [...functions, ...own.map((name) => ({ name }))]
}

/** A text, one content, or a list of contents; each result of a function becomes a message of its own. */
export function contentMessages(given: unknown, role: string): RequestMessage[] {
  const contents = Array.isArray(given) ? given : given === undefined || given === null ? [] : [given]
  return contents.flatMap((content) => {
    if (typeof content === 'string') return [messageOf(role, content)]
    const parts = Array.isArray(field(content, 'parts')) ? arrayAt(field(content, 'parts')) : [field(content, 'parts')]
    const results = parts.map((part) => field(part, 'functionResponse')).filter(isObject)
    const rest = parts.filter((part) => !isObject(field(part, 'functionResponse')))
    const said = messageOf(stringAt(content, 'role') ?? role, '', readParts(rest))
    return rest.length === 0 ? results.map(resultMessage) : [...results.map(resultMessage), said]
  })
}

const resultMessage = (result: JsonObject): RequestMessage =>
  messageOf('tool', jsonText(result.response), { name: stringAt(result, 'name'), toolCallId: stringAt(result, 'id') })

function readParts(parts: readonly unknown[]): Pick<RequestMessage, 'text' | 'toolCalls' | 'images'> {
  const images: ImageFact[] = []
  const lines = parts.map((part) => partText(part, images)).filter((line) => line !== '')
  const calls = parts.map((part) => field(part, 'functionCall')).filter(isObject)
  return {
    text: lines.join('\n'),
    toolCalls: calls.map((call) => ({
      id: stringAt(call, 'id'),
      name: stringAt(call, 'name') ?? '',
      arguments: argumentsText(call.args),
    })),
    images,
  }
}

function partText(part: unknown, images: ImageFact[]): string {
  if (typeof part === 'string') return part
  const text = stringAt(part, 'text')
  if (text !== null) return at(part, 'thought') === true ? placeholder('thought', Buffer.byteLength(text)) : text
  const inline = field(part, 'inlineData')
  const file = field(part, 'fileData')
  if (isObject(inline) || isObject(file)) return mediaText(inline, file, images)
  if (!isObject(part) || isObject(field(part, 'functionCall'))) return ''
  const kind = Object.keys(part).find((name) => isObject(part[name]))
  return kind === undefined ? '' : placeholder(kind, null)
}

function mediaText(inline: unknown, file: unknown, images: ImageFact[]): string {
  const kind = mediaKind(stringAt(field(inline ?? file, 'mimeType')))
  const data = stringAt(inline, 'data')
  const bytes = data === null ? null : bytesOfBase64(data)
  if (kind !== 'image') return placeholder(isObject(file) ? `${kind} link` : kind, bytes)
  const image = data === null ? imageFrom(stringAt(field(file, 'fileUri')) ?? '') : { bytes, detail: null, url: false }
  images.push(image)
  return imageText(image)
}

/** `image`, `audio`, `video`, or what kind of file it is. */
export function mediaKind(mimeType: string | null): string {
  const [type = '', rest = ''] = (mimeType ?? '').toLowerCase().split('/')
  return ['image', 'audio', 'video'].includes(type) ? type : /^[a-z0-9.+-]{1,20}/.exec(rest)?.[0] || 'file'
}
