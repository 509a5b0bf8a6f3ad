import { arrayAt, booleanAt, countAt, isObject, type JsonObject, numberAt, stringAt } from '../records/json.ts'
import {
  type AudioFact,
  type ImageFact,
  noFacts,
  type RequestFacts,
  type RequestMessage,
  type RequestParameters,
} from './decoder.ts'
import {
  argumentsText,
  audioOfBase64,
  audioText,
  bytesOfBase64,
  choiceOf,
  imageFrom,
  imageText,
  parametersOf,
  placeholder,
  scalarAt,
  stopsOf,
  toolsOf,
} from './request-text.ts'

/** Facts that every OpenAI-shaped request body has in the same place; the conversation is the format's own. */
export function openaiFacts(body: JsonObject): RequestFacts {
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    stream: body.stream === true,
    parameters: openaiParameters(body),
    ...toolsOf(body.tools ?? body.functions),
    endUser: stringAt(body, 'safety_identifier') ?? stringAt(body, 'user'),
    echo: body.echo === true,
  }
}

export const malformed: RequestFacts = { ...noFacts, malformed: true }

function openaiParameters(body: JsonObject): RequestParameters {
  return parametersOf({
    temperature: numberAt(body, 'temperature'),
    top_p: numberAt(body, 'top_p'),
    top_k: numberAt(body, 'top_k'),
    min_p: numberAt(body, 'min_p'),
    max_tokens: countAt(body, 'max_completion_tokens') ?? countAt(body, 'max_tokens') ?? countAt(body, 'n_predict'),
    stop: stopsOf(body.stop),
    seed: scalarAt(body, 'seed') ?? scalarAt(body, 'random_seed'),
    frequency_penalty: numberAt(body, 'frequency_penalty'),
    presence_penalty: numberAt(body, 'presence_penalty'),
    repeat_penalty: numberAt(body, 'repetition_penalty') ?? numberAt(body, 'repeat_penalty'),
    n: countAt(body, 'n') ?? countAt(body, 'n_cmpl'),
    tool_choice: choiceOf(body.tool_choice ?? body.function_call),
    parallel_tool_calls: booleanAt(body, 'parallel_tool_calls'),
    response_format: answerFormat(body),
    reasoning_effort: stringAt(body, 'reasoning_effort') ?? stringAt(body, 'reasoning', 'effort'),
    service_tier: stringAt(body, 'service_tier'),
    include_usage: booleanAt(body, 'stream_options', 'include_usage'),
    logprobs: booleanAt(body, 'logprobs') ?? (countAt(body, 'logprobs') === null ? null : true),
    keep_alive: scalarAt(body, 'keep_alive'),
    dimensions: countAt(body, 'dimensions'),
  })
}

function answerFormat(body: JsonObject): string | null {
  const named = choiceOf(body.response_format)
  if (named !== null) return named
  return isObject(body.json_schema) ? 'json_schema' : typeof body.grammar === 'string' ? 'grammar' : null
}

/** One message of a conversation: its text parts joined, everything else as a placeholder. */
export function openaiMessage(message: unknown): RequestMessage {
  const images: ImageFact[] = []
  const audio: AudioFact[] = []
  const content = isObject(message) ? message.content : message
  const parts = typeof content === 'string' ? [content] : arrayAt(content).map((part) => partText(part, images, audio))
  const refusal = stringAt(message, 'refusal')
  return {
    role: stringAt(message, 'role') ?? 'user',
    name: stringAt(message, 'name'),
    text: [...parts, refusal ?? ''].filter((part) => part !== '').join('\n'),
    toolCalls: callsOf(message),
    toolCallId: stringAt(message, 'tool_call_id'),
    images,
    ...(audio.length > 0 && { audio }),
  }
}

function partText(part: unknown, images: ImageFact[], recordings: AudioFact[]): string {
  if (typeof part === 'string') return part
  const type = stringAt(part, 'type') ?? 'part'
  const source = stringAt(part, 'image_url', 'url') ?? stringAt(part, 'image_url')
  if (source !== null) {
    const image = imageFrom(source, stringAt(part, 'image_url', 'detail') ?? stringAt(part, 'detail'))
    images.push(image)
    return imageText(image)
  }
  const text = stringAt(part, 'text') ?? stringAt(part, 'refusal') ?? stringAt(part, 'thinking')
  if (text !== null) return text
  const sound = stringAt(part, 'input_audio', 'data')
  if (sound !== null) {
    const audio = audioOfBase64(sound)
    recordings.push(audio)
    return audioText(audio)
  }
  const data = stringAt(part, 'file', 'file_data') ?? stringAt(part, 'file_data')
  return placeholder(type.replace(/^input_/, ''), data === null ? null : bytesOfBase64(data))
}

function callsOf(message: unknown): RequestMessage['toolCalls'] {
  const calls = arrayAt(message, 'tool_calls').map((call) => ({
    id: stringAt(call, 'id'),
    name: stringAt(call, 'function', 'name') ?? stringAt(call, 'custom', 'name') ?? '',
    arguments: stringAt(call, 'custom', 'input') ?? argumentsText(isObject(call) ? fieldOf(call.function) : null),
  }))
  const old = isObject(message) ? message.function_call : null
  if (calls.length > 0 || !isObject(old)) return calls
  return [{ id: null, name: stringAt(old, 'name') ?? '', arguments: argumentsText(old.arguments) }]
}

const fieldOf = (call: unknown): unknown => (isObject(call) ? call.arguments : null)
