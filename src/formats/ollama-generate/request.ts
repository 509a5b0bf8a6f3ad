import { isObject, stringAt } from '../../records/json.ts'
import { noFacts, type RequestFacts, type RequestMessage } from '../decoder.ts'
import { imagesOf, ollamaParameters, withImages } from '../ollama-chat/request.ts'

/** Facts of a `/api/generate` request. Without a prompt it only loads (or unloads) the model. */
export function readGenerateRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const images = imagesOf(body.images)
  const prompt = stringAt(body, 'prompt') ?? ''
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    stream: body.stream !== false,
    parameters: ollamaParameters(body),
    messages: [
      { ...bare, role: 'system', text: stringAt(body, 'system') ?? '' },
      { ...bare, role: 'user', text: withImages(prompt, images), images },
      // what the generated text is to be followed by
      { ...bare, role: 'suffix', text: stringAt(body, 'suffix') ?? '' },
    ].filter((message) => message.text !== ''),
    inputs: prompt === '' ? 0 : 1,
  }
}

const bare: RequestMessage = { role: '', name: null, text: '', toolCalls: [], toolCallId: null, images: [] }
