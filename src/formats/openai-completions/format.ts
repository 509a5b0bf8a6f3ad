import { isObject } from '../../records/json.ts'
import type { Format, RequestFacts } from '../decoder.ts'
import { malformed, openaiFacts } from '../openai-request.ts'
import { textsOf } from '../request-text.ts'
import { completionsDecoder } from './decode.ts'

/** POST /v1/completions, the legacy text completion. */
export const openaiCompletions: Format = {
  id: 'openai-completions',
  operation: 'completion',
  readRequest,
  decoder: completionsDecoder,
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const messages = textsOf(body.prompt)
  return { ...openaiFacts(body), messages, inputs: messages.length }
}
