import type { Format } from '../decoder.ts'
import { interactionDecoder } from './decode.ts'
import { readInteractionRequest } from './request.ts'

/** POST …/interactions of Gemini (wire-formats 8.3). */
export const geminiInteractions: Format = {
  id: 'gemini-interactions',
  operation: 'chat',
  readRequest: readInteractionRequest,
  decoder: interactionDecoder,
}
