import { at } from '../../records/json.ts'
import type { Format } from '../decoder.ts'
import { ollamaDecoder } from '../ollama-chat/decode.ts'
import { readGenerateRequest } from './request.ts'

/** POST /api/generate: as `/api/chat`, with what was generated at the top level (wire-formats 6.1). */
export const ollamaGenerate: Format = {
  id: 'ollama-generate',
  operation: 'completion',
  readRequest: readGenerateRequest,
  decoder: () =>
    ollamaDecoder((part) => ({
      thinking: at(part, 'thinking'),
      text: at(part, 'response'),
      toolCalls: at(part, 'tool_calls'),
    })),
}
