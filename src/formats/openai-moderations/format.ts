import { arrayAt, at, isObject, objectOf, stringAt } from '../../records/json.ts'
import type { Format, RequestFacts, RequestMessage } from '../decoder.ts'
import { openaiDecoder } from '../openai-answer.ts'
import { malformed, openaiFacts, openaiMessage } from '../openai-request.ts'

/** POST /v1/moderations: each input is judged by categories. Nobody counts its tokens, and nobody bills them. */
export const openaiModerations: Format = {
  id: 'openai-moderations',
  operation: 'moderation',
  readRequest,
  decoder: (request, hints) =>
    openaiDecoder(request, hints, (answer, value) => {
      arrayAt(value, 'results').forEach((result, index) => {
        answer.part(index, verdictOf(result))
      })
    }),
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const messages = messagesOf(body.input)
  return { ...openaiFacts(body), stream: false, messages, inputs: messages.length }
}

/** A text, a list of texts, or a list of parts that are judged as one. */
function messagesOf(input: unknown): readonly RequestMessage[] {
  const list = Array.isArray(input) ? input : [input]
  if (list.some(isObject)) return [openaiMessage({ role: 'user', content: list })]
  return list.filter((text) => typeof text === 'string').map((content) => openaiMessage({ role: 'user', content }))
}

/** `[flagged: harassment, violence]` */
function verdictOf(result: unknown): string {
  const categories = Object.entries(objectOf(at(result, 'categories')))
  const found = categories.filter(([, flagged]) => flagged === true).map(([name]) => name.slice(0, 60))
  const flagged = at(result, 'flagged') === true || found.length > 0
  return flagged
    ? `[flagged: ${found.slice(0, 32).join(', ') || (stringAt(result, 'category') ?? 'no category named')}]`
    : '[not flagged]'
}
