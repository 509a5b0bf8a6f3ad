import { isObject, stringAt } from '../../records/json.ts'
import type { Format, RequestFacts } from '../decoder.ts'
import { malformed, openaiFacts } from '../openai-request.ts'
import { textsOf } from '../request-text.ts'
import { nativeDecoder } from './decode.ts'

/** POST /completion and /infill of llama.cpp's own server (wire-formats 10). */
export const llamacppCompletion: Format = {
  id: 'llamacpp-completion',
  operation: 'completion',
  readRequest,
  decoder: nativeDecoder,
}

/** Its parameters have the names that OpenAI's have, and some more; what a text is to be filled into stands before and behind. */
function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const prompts = textsOf(body.prompt)
  const around = [
    ['prefix', stringAt(body, 'input_prefix')],
    ['suffix', stringAt(body, 'input_suffix')],
  ] as const
  return {
    ...openaiFacts(body),
    messages: [...prompts, ...around.flatMap(([role, text]) => textsOf(text).map((message) => ({ ...message, role })))],
    inputs: prompts.length,
  }
}
