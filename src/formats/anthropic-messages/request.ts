import { arrayAt, at, booleanAt, isObject, numberAt, stringAt } from '../../records/json.ts'
import { type ImageFact, noFacts, type RequestFacts, type RequestMessage, type ToolCall } from '../decoder.ts'
import {
  argumentsText,
  bytesOfBase64,
  imageFrom,
  imageOfBase64,
  imageText,
  parametersOf,
  placeholder,
  stopsOf,
  toolsOf,
} from '../request-text.ts'

/** Facts of a `/v1/messages` request; the system prompt becomes the first message. */
export function readMessagesRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const parallel = booleanAt(body, 'tool_choice', 'disable_parallel_tool_use')
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    stream: body.stream === true,
    parameters: parametersOf({
      temperature: numberAt(body, 'temperature'),
      top_p: numberAt(body, 'top_p'),
      top_k: numberAt(body, 'top_k'),
      max_tokens: numberAt(body, 'max_tokens'),
      stop: stopsOf(body.stop_sequences),
      tool_choice: choiceText(body.tool_choice),
      parallel_tool_calls: parallel === null ? null : !parallel,
      response_format: stringAt(body, 'output_config', 'format', 'type') ?? stringAt(body, 'output_format', 'type'),
      reasoning_effort: stringAt(body, 'output_config', 'effort') ?? stringAt(body, 'thinking', 'type'),
      service_tier: stringAt(body, 'service_tier'),
    }),
    messages: [
      ...messagesOf('system', body.system),
      ...arrayAt(body, 'messages').flatMap((message) =>
        messagesOf(stringAt(message, 'role') ?? '', at(message, 'content')),
      ),
    ],
    ...toolsOf(body.tools),
    endUser: stringAt(body, 'metadata', 'user_id'),
  }
}

/** One message, and before it one for each tool result that stands among its blocks. */
function messagesOf(role: string, content: unknown): RequestMessage[] {
  if (typeof content === 'string') return [{ ...bare, role, text: content }]
  if (!Array.isArray(content)) return []
  const results = content.filter(isToolResult).map((block) => ({
    ...bare,
    role: 'tool',
    ...readBlocks(at(block, 'content')),
    toolCallId: stringAt(block, 'tool_use_id'),
  }))
  const rest = content.filter((block) => !isToolResult(block))
  return rest.length === 0 && results.length > 0 ? results : [...results, { ...bare, role, ...readBlocks(rest) }]
}

const isToolResult = (block: unknown): boolean => stringAt(block, 'type') === 'tool_result'

function readBlocks(content: unknown): Pick<RequestMessage, 'text' | 'toolCalls' | 'images'> {
  if (typeof content === 'string') return { text: content, toolCalls: [], images: [] }
  const lines: string[] = []
  const toolCalls: ToolCall[] = []
  const images: ImageFact[] = []
  for (const block of Array.isArray(content) ? content : []) {
    const type = stringAt(block, 'type') ?? 'unknown'
    if (type === 'text') lines.push(stringAt(block, 'text') ?? '')
    else if (type === 'image') {
      const image = imageOf(at(block, 'source'))
      images.push(image)
      lines.push(imageText(image))
    } else if (type.endsWith('tool_use')) toolCalls.push(toolCallOf(block))
    else lines.push(placeholder(type, sizeOf(block)))
  }
  return { text: lines.filter((line) => line !== '').join('\n'), toolCalls, images }
}

const imageOf = (source: unknown): ImageFact => {
  const data = stringAt(source, 'data')
  if (data !== null) return imageOfBase64(data)
  const url = stringAt(source, 'url')
  return url === null ? { bytes: null, detail: null, url: false } : imageFrom(url)
}

/** Documents hold base64 or text; thinking of earlier turns holds text. */
function sizeOf(block: unknown): number | null {
  const data = stringAt(block, 'source', 'data') ?? stringAt(block, 'data')
  if (data !== null) return stringAt(block, 'source', 'type') === 'text' ? Buffer.byteLength(data) : bytesOfBase64(data)
  const thinking = stringAt(block, 'thinking')
  return thinking === null ? null : Buffer.byteLength(thinking)
}

const toolCallOf = (block: unknown): ToolCall => ({
  id: stringAt(block, 'id'),
  name: stringAt(block, 'name') ?? '',
  arguments: argumentsText(at(block, 'input')),
})

/** `{type: 'tool', name}` names one tool; the other types stand for themselves. */
const choiceText = (choice: unknown): string | null => {
  const name = stringAt(choice, 'name')
  return name === null ? stringAt(choice, 'type') : `tool:${name}`
}

const bare: RequestMessage = { role: '', name: null, text: '', toolCalls: [], toolCallId: null, images: [] }
