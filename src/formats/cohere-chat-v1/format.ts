import { arrayAt, at, isObject, stringAt } from '../../records/json.ts'
import { cohereParameters } from '../cohere-chat/request.ts'
import { type Format, noFacts, type RequestFacts, type RequestMessage } from '../decoder.ts'
import { argumentsText, messageOf, toolsOf } from '../request-text.ts'
import { cohereV1Decoder } from './decode.ts'

/** POST /v1/chat of Cohere, the older form (wire-formats 9). */
export const cohereChatV1: Format = {
  id: 'cohere-chat-v1',
  operation: 'chat',
  readRequest,
  decoder: cohereV1Decoder,
}

/** The history, and behind it the message that this call is about. */
function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const message = (role: string, text: string | null): RequestMessage[] => (text ? [messageOf(role, text)] : [])
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    stream: body.stream === true,
    parameters: cohereParameters(body),
    messages: [
      ...message('system', stringAt(body, 'preamble')),
      ...arrayAt(body, 'chat_history').map(pastMessage),
      ...message('user', stringAt(body, 'message')),
    ],
    ...toolsOf(body.tools),
  }
}

const pastMessage = (past: unknown): RequestMessage =>
  messageOf((stringAt(past, 'role') ?? 'user').toLowerCase(), stringAt(past, 'message') ?? '', {
    toolCalls: arrayAt(past, 'tool_calls').map((call) => ({
      id: null,
      name: stringAt(call, 'name') ?? '',
      arguments: argumentsText(at(call, 'parameters')),
    })),
  })
