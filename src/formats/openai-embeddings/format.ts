import { isObject } from '../../records/json.ts'
import type { Format, RequestFacts } from '../decoder.ts'
import { openaiDecoder } from '../openai-answer.ts'
import { malformed, openaiFacts } from '../openai-request.ts'
import { textsOf } from '../request-text.ts'

/** POST /v1/embeddings. Its vectors are counted, never kept. */
export const openaiEmbeddings: Format = {
  id: 'openai-embeddings',
  operation: 'embeddings',
  largeAnswers: true,
  readRequest,
  decoder: (request, hints) =>
    openaiDecoder(request, hints, (answer, value) => {
      if (Array.isArray(value.data)) answer.embeddings = value.data.length
    }),
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const messages = textsOf(body.input)
  return { ...openaiFacts(body), stream: false, messages, inputs: messages.length }
}
