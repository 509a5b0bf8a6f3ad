import type { Format } from '../decoder.ts'
import { cohereDecoder } from './decode.ts'
import { readChatRequest } from './request.ts'

/** POST /v2/chat of Cohere (wire-formats 9). */
export const cohereChat: Format = {
  id: 'cohere-chat',
  operation: 'chat',
  readRequest: readChatRequest,
  decoder: cohereDecoder,
}
