import { isObject, stringAt } from '../../records/json.ts'
import { noFacts, type RequestFacts } from '../decoder.ts'
import { ollamaParameters } from '../ollama-chat/request.ts'

/** Facts of `/api/embed` (`input`: a text or several) and `/api/embeddings` (`prompt`). */
export function readEmbedRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const given = body.input ?? body.prompt
  const texts = (Array.isArray(given) ? given : [given]).filter((text) => typeof text === 'string')
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    parameters: ollamaParameters(body),
    messages: texts.map((text) => ({
      role: 'input',
      name: null,
      text,
      toolCalls: [],
      toolCallId: null,
      images: [],
    })),
    inputs: texts.length,
  }
}
