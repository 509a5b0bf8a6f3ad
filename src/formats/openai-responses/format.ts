import type { Format } from '../decoder.ts'
import { responsesDecoder } from './decode.ts'
import { readResponsesRequest } from './request.ts'

/** POST /v1/responses of OpenAI and of the servers that speak it (wire-formats 4.4). */
export const openaiResponses: Format = {
  id: 'openai-responses',
  operation: 'chat',
  readRequest: readResponsesRequest,
  decoder: responsesDecoder,
}
