import { arrayAt, isObject } from '../../records/json.ts'
import type { Format, RequestFacts } from '../decoder.ts'
import { malformed, openaiFacts, openaiMessage } from '../openai-request.ts'
import { textsOf } from '../request-text.ts'
import { chatDecoder } from './decode.ts'

/** POST /v1/chat/completions and everything shaped like it. */
export const openaiChat: Format = {
  id: 'openai-chat',
  operation: 'chat',
  readRequest,
  decoder: chatDecoder,
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  // completing the middle of a text (FIM) is asked for with a prompt and answered like a chat
  const messages = body.messages === undefined ? textsOf(body.prompt) : arrayAt(body, 'messages').map(openaiMessage)
  return { ...openaiFacts(body), messages }
}
