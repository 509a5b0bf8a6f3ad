import { at } from '../../records/json.ts'
import type { Format } from '../decoder.ts'
import { ollamaDecoder } from './decode.ts'
import { readChatRequest } from './request.ts'

/** POST /api/chat: one JSON object per line, or one object; what was generated stands in `message` (wire-formats 6.1). */
export const ollamaChat: Format = {
  id: 'ollama-chat',
  operation: 'chat',
  readRequest: readChatRequest,
  decoder: () =>
    ollamaDecoder((part) => ({
      thinking: at(part, 'message', 'thinking'),
      text: at(part, 'message', 'content'),
      toolCalls: at(part, 'message', 'tool_calls'),
    })),
}
