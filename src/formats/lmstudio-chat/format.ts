import { arrayAt, countAt, isObject, numberAt, stringAt } from '../../records/json.ts'
import { type Format, noFacts, type RequestFacts, type RequestMessage } from '../decoder.ts'
import { imageFrom, imageText, parametersOf } from '../request-text.ts'
import { lmstudioDecoder } from './decode.ts'

/** POST /api/v1/chat of LM Studio: its own API, with named events and tools that the server itself runs. */
export const lmstudioChat: Format = {
  id: 'lmstudio-chat',
  operation: 'chat',
  readRequest,
  decoder: () => lmstudioDecoder(),
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const system = stringAt(body, 'system_prompt')
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    stream: body.stream === true,
    parameters: parametersOf({
      temperature: numberAt(body, 'temperature'),
      top_p: numberAt(body, 'top_p'),
      top_k: numberAt(body, 'top_k'),
      min_p: numberAt(body, 'min_p'),
      repeat_penalty: numberAt(body, 'repeat_penalty'),
      max_tokens: countAt(body, 'max_output_tokens'),
      reasoning_effort: stringAt(body, 'reasoning'),
    }),
    messages: [...(system === null ? [] : [{ ...bare, role: 'system', text: system }]), asked(body.input)],
    toolNames: arrayAt(body, 'integrations')
      .flatMap((integration) => arrayAt(integration, 'allowed_tools'))
      .filter((name) => typeof name === 'string')
      .slice(0, 128),
  }
}

/** A text, or a list of texts and images. */
function asked(input: unknown): RequestMessage {
  const parts: readonly unknown[] = Array.isArray(input) ? input : [input]
  const images = parts.flatMap((part) => {
    const source = stringAt(part, 'data_url')
    return source === null ? [] : [imageFrom(source)]
  })
  const texts = parts.map((part) =>
    typeof part === 'string' ? part : (stringAt(part, 'content') ?? stringAt(part, 'text') ?? ''),
  )
  return { ...bare, text: [...texts, ...images.map(imageText)].filter((text) => text !== '').join('\n'), images }
}

const bare: RequestMessage = { role: 'user', name: null, text: '', toolCalls: [], toolCallId: null, images: [] }
