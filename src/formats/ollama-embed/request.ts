import { isObject, stringAt } from '../../records/json.ts'
import { noFacts, type RequestFacts } from '../decoder.ts'
import { ollamaParameters } from '../ollama-chat/request.ts'
import { textsOf } from '../request-text.ts'

/** Facts of `/api/embed` (`input`: a text or several) and `/api/embeddings` (`prompt`). */
export function readEmbedRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const messages = textsOf(body.input ?? body.prompt)
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    parameters: ollamaParameters(body),
    messages,
    inputs: messages.length,
  }
}
