import type { Format } from '../decoder.ts'
import { anthropicDecoder } from './decode.ts'
import { readMessagesRequest } from './request.ts'

/** POST /v1/messages of Anthropic and of the servers that speak it (wire-formats 7). */
export const anthropicMessages: Format = {
  id: 'anthropic-messages',
  operation: 'chat',
  readRequest: readMessagesRequest,
  decoder: (_request, hints) => anthropicDecoder(hints),
}
