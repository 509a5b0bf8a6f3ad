import { arrayAt, at, isObject, numberAt, stringAt } from '../../records/json.ts'
import { type ImageFact, noFacts, type RequestFacts, type RequestMessage } from '../decoder.ts'
import { jsonText } from '../json-text.ts'
import {
  argumentsText,
  bytesOfBase64,
  choiceOf,
  imageFrom,
  imageText,
  messageOf,
  parametersOf,
  placeholder,
  scalarAt,
  stopsOf,
  toolsOf,
} from '../request-text.ts'

/** Facts of an interaction: the input is a text, contents, or the steps of what was said before. */
export function readInteractionRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const config = body.generation_config
  const instruction = stringAt(body, 'system_instruction')
  return {
    ...noFacts,
    model: stringAt(body, 'model') ?? stringAt(body, 'agent'),
    stream: body.stream === true,
    parameters: parametersOf({
      temperature: numberAt(config, 'temperature'),
      top_p: numberAt(config, 'top_p'),
      max_tokens: numberAt(config, 'max_output_tokens'),
      stop: stopsOf(at(config, 'stop_sequences')),
      seed: scalarAt(config, 'seed'),
      tool_choice: choiceOf(at(config, 'tool_choice')),
      response_format: choiceOf(body.response_format) ?? stringAt(body, 'response_mime_type'),
      reasoning_effort: stringAt(config, 'thinking_level'),
      service_tier: stringAt(body, 'service_tier'),
    }),
    messages: [...(instruction === null ? [] : [messageOf('system', instruction)]), ...inputMessages(body.input)],
    ...toolsOf(body.tools),
  }
}

function inputMessages(input: unknown): RequestMessage[] {
  if (typeof input === 'string') return [messageOf('user', input)]
  const items = Array.isArray(input) ? input : isObject(input) ? [input] : []
  const steps = items.filter((item) => isStep(stringAt(item, 'type') ?? ''))
  if (steps.length === 0) return items.length === 0 ? [] : [contentMessage('user', items)]
  return items.map(stepMessage)
}

const isStep = (type: string): boolean =>
  type === 'user_input' || type === 'model_output' || type === 'thought' || /_(call|result)$/.test(type)

function stepMessage(step: unknown): RequestMessage {
  const type = stringAt(step, 'type') ?? ''
  if (type.endsWith('_call')) {
    const name = stringAt(step, 'name') ?? type.slice(0, -'_call'.length)
    const call = { id: stringAt(step, 'id'), name, arguments: argumentsText(at(step, 'arguments')) }
    return messageOf('model', '', { toolCalls: [call] })
  }
  if (type.endsWith('_result')) {
    const result = at(step, 'result')
    const text = typeof result === 'string' ? result : jsonText(result)
    return messageOf('tool', text, { name: stringAt(step, 'name'), toolCallId: stringAt(step, 'call_id') })
  }
  if (type === 'thought') return messageOf('model', placeholder('thought', null))
  return isStep(type)
    ? contentMessage(type === 'model_output' ? 'model' : 'user', arrayAt(step, 'content'))
    : contentMessage('user', [step])
}

function contentMessage(role: string, parts: readonly unknown[]): RequestMessage {
  const images: ImageFact[] = []
  const lines = parts.map((part) => partText(part, images)).filter((line) => line !== '')
  return messageOf(role, lines.join('\n'), { images })
}

function partText(part: unknown, images: ImageFact[]): string {
  if (typeof part === 'string') return part
  const type = stringAt(part, 'type') ?? 'part'
  const text = stringAt(part, 'text')
  if (text !== null) return text
  const data = stringAt(part, 'data')
  const bytes = data === null ? null : bytesOfBase64(data)
  if (type !== 'image') return placeholder(data === null ? `${type} link` : type, bytes)
  const image = data === null ? imageFrom(stringAt(part, 'uri') ?? '') : { bytes, detail: null, url: false }
  images.push(image)
  return imageText(image)
}
