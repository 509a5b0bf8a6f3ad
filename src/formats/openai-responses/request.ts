import { arrayAt, at, countAt, isObject, stringAt } from '../../records/json.ts'
import type { RequestFacts, RequestMessage } from '../decoder.ts'
import { malformed, openaiFacts, openaiMessage } from '../openai-request.ts'
import { placeholder } from '../request-text.ts'
import { readItem } from './items.ts'

/** Facts of a `/v1/responses` request; the instructions become the first message. */
export function readResponsesRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const facts = openaiFacts(body)
  return {
    ...facts,
    parameters: {
      ...facts.parameters,
      max_tokens: countAt(body, 'max_output_tokens'),
      response_format: stringAt(body, 'text', 'format', 'type'),
    },
    messages: [
      ...(typeof body.instructions === 'string' ? [{ ...bare, role: 'system', text: body.instructions }] : []),
      ...(typeof body.input === 'string' ? [{ ...bare, role: 'user', text: body.input }] : []),
      ...arrayAt(body, 'input').map(messageOf),
    ],
  }
}

const bare: RequestMessage = { role: '', name: null, text: '', toolCalls: [], toolCallId: null, images: [] }

/** An item of the input: a message, an item of an earlier output, or the result of a tool. */
function messageOf(item: unknown): RequestMessage {
  const type = stringAt(item, 'type') ?? 'message'
  if (type === 'message') return openaiMessage(item)
  if (type.endsWith('_output')) {
    const output = at(item, 'output')
    const result = typeof output === 'string' || Array.isArray(output) ? output : [output]
    return { ...openaiMessage({ role: 'tool', content: result }), toolCallId: stringAt(item, 'call_id') }
  }
  const { reasoning, call, part } = readItem(item)
  if (call) return { ...bare, role: 'assistant', toolCalls: [call] }
  const text = reasoning === '' ? (part ?? placeholder(type, null)) : placeholder(type, Buffer.byteLength(reasoning))
  return { ...bare, role: 'assistant', text }
}
