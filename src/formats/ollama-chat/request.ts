import { arrayAt, at, booleanAt, isObject, numberAt, stringAt } from '../../records/json.ts'
import { type ImageFact, noFacts, type RequestFacts, type RequestMessage, type RequestParameters } from '../decoder.ts'
import { argumentsText, imageOfBase64, imageText, parametersOf, scalarAt, stopsOf, toolsOf } from '../request-text.ts'

/** Facts of a `/api/chat` request; a stream is asked for unless it says `stream: false`. */
export function readChatRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    stream: body.stream !== false,
    parameters: ollamaParameters(body),
    messages: arrayAt(body, 'messages').map(messageOf),
    ...toolsOf(body.tools),
  }
}

/** Sampling stands under `options`, the rest beside the model. */
export function ollamaParameters(body: unknown): RequestParameters {
  const number = (name: string): number | null => numberAt(body, 'options', name)
  return parametersOf({
    temperature: number('temperature'),
    top_p: number('top_p'),
    top_k: number('top_k'),
    min_p: number('min_p'),
    max_tokens: number('num_predict'),
    stop: stopsOf(at(body, 'options', 'stop')),
    seed: scalarAt(body, 'options', 'seed'),
    frequency_penalty: number('frequency_penalty'),
    presence_penalty: number('presence_penalty'),
    repeat_penalty: number('repeat_penalty'),
    response_format: formatOf(at(body, 'format')),
    reasoning_effort: thinkOf(at(body, 'think')),
    logprobs: booleanAt(body, 'logprobs'),
    keep_alive: scalarAt(body, 'keep_alive'),
    dimensions: numberAt(body, 'dimensions'),
  })
}

/** Bare base64, in a list beside the text. */
export const imagesOf = (images: unknown): ImageFact[] =>
  (Array.isArray(images) ? images : [])
    .filter((image) => typeof image === 'string')
    .map((image) => imageOfBase64(image))

export const withImages = (text: string, images: readonly ImageFact[]): string =>
  [text, ...images.map(imageText)].filter((part) => part !== '').join('\n')

function messageOf(message: unknown): RequestMessage {
  const images = imagesOf(at(message, 'images'))
  return {
    role: stringAt(message, 'role') ?? '',
    name: stringAt(message, 'tool_name') ?? stringAt(message, 'name'),
    text: withImages(stringAt(message, 'content') ?? '', images),
    toolCalls: arrayAt(message, 'tool_calls').map((call) => ({
      id: stringAt(call, 'id'),
      name: stringAt(call, 'function', 'name') ?? '',
      arguments: argumentsText(at(call, 'function', 'arguments')),
    })),
    toolCallId: stringAt(message, 'tool_call_id'),
    images,
  }
}

/** `"json"`, or a JSON schema. */
const formatOf = (format: unknown): string | null =>
  isObject(format) ? 'json_schema' : typeof format === 'string' && format !== '' ? format : null

/** `true`, `false`, or a level. */
const thinkOf = (think: unknown): string | null =>
  typeof think === 'boolean' || (typeof think === 'string' && think !== '') ? String(think) : null
