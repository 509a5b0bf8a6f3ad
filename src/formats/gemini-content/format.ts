import type { Format } from '../decoder.ts'
import { contentDecoder } from './decode.ts'
import { readContentRequest } from './request.ts'

/** POST …/models/{model}:generateContent of Gemini (wire-formats 8.1). The path names the model. */
export const geminiContent: Format = {
  id: 'gemini-content',
  operation: 'chat',
  readRequest: readContentRequest,
  decoder: contentDecoder,
}

/** POST …/models/{model}:streamGenerateContent: the path says that a stream is wanted, the body is the same. */
export const geminiContentStream: Format = {
  ...geminiContent,
  id: 'gemini-content-stream',
  readRequest: (body) => ({ ...readContentRequest(body), stream: true }),
}
