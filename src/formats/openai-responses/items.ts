import { arrayAt, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import type { ToolCall } from '../decoder.ts'
import { argumentsText, bytesOfBase64, imageFrom, imageText, placeholder } from '../request-text.ts'

/** What one item of a response's output says. */
export interface OutputItem {
  type: string
  text: string
  refusal: string
  reasoning: string
  call: ToolCall | null
  /** A placeholder for what is no text. */
  part: string | null
  /** The web was searched: opening a page that was found is none, and costs nothing. */
  searches: boolean
}

/** Reads a whole item. Results of tools are no output of the model; types nobody knows say nothing. */
export function readItem(item: unknown): OutputItem {
  const type = stringAt(item, 'type') ?? ''
  const nothing: OutputItem = { type, text: '', refusal: '', reasoning: '', call: null, part: null, searches: false }
  if (!isObject(item)) return nothing
  // a compaction hands messages of the user back
  if (type === 'message') return item.role === 'user' ? nothing : { ...nothing, ...readMessage(item) }
  if (type === 'reasoning') return { ...nothing, reasoning: readReasoning(item) }
  if (type === 'image_generation_call') return { ...nothing, part: imageOf(item) }
  const call = Object.hasOwn(calls, type) ? calls[type]! : null
  const searches = type === 'web_search_call' && (stringAt(item, 'action', 'type') ?? 'search') === 'search'
  return call ? { ...nothing, call: callOf(item, call), searches } : nothing
}

/** Said something: an item that does not is only announced. */
export const isEmpty = (item: OutputItem): boolean => sizeOf(item) === 0

/** How much an item says, for choosing between two tellings of it. */
export const sizeOf = ({ text, refusal, reasoning, call, part }: OutputItem): number =>
  text.length +
  refusal.length +
  reasoning.length +
  (call ? call.name.length + call.arguments.length : 0) +
  (part ? 1 : 0)

/** The caller has to act: such an item as the last one means that the model waits for a tool's result. */
export const isForCaller = (type: string): boolean => Object.hasOwn(calls, type) && calls[type]!.forCaller === true

interface CallKind {
  /** The tool, where the item does not name one. */
  readonly name?: string
  /** The fields that hold what the tool is to do; the first that is there counts. */
  readonly given: readonly string[]
  readonly forCaller?: true
}

const calls: Readonly<Record<string, CallKind>> = {
  function_call: { given: ['arguments'], forCaller: true },
  custom_tool_call: { given: ['input'], forCaller: true },
  computer_call: { name: 'computer', given: ['actions', 'action'], forCaller: true },
  local_shell_call: { name: 'local_shell', given: ['action'], forCaller: true },
  shell_call: { name: 'shell', given: ['action'], forCaller: true },
  apply_patch_call: { name: 'apply_patch', given: ['operation'], forCaller: true },
  mcp_approval_request: { given: ['arguments'], forCaller: true },
  mcp_call: { given: ['arguments'] },
  web_search_call: { name: 'web_search', given: ['action'] },
  file_search_call: { name: 'file_search', given: ['queries'] },
  code_interpreter_call: { name: 'code_interpreter', given: ['code'] },
  tool_search_call: { name: 'tool_search', given: ['arguments'] },
}

function callOf(item: JsonObject, kind: CallKind): ToolCall {
  const given = kind.given.map((field) => item[field]).find((value) => value !== undefined && value !== null)
  return {
    id: stringAt(item, 'call_id') || stringAt(item, 'id'),
    name: stringAt(item, 'name') ?? kind.name ?? '',
    arguments: argumentsText(given),
  }
}

function readMessage(item: JsonObject): Pick<OutputItem, 'text' | 'refusal' | 'part'> {
  if (typeof item.content === 'string') return { text: item.content, refusal: '', part: null }
  const parts = arrayAt(item, 'content')
  const audio = parts.map((part) => stringAt(part, 'data')).find((data) => data !== null)
  return {
    text: parts.map((part) => stringAt(part, 'text') ?? stringAt(part, 'transcript') ?? '').join(''),
    refusal: parts.map((part) => stringAt(part, 'refusal') ?? '').join(''),
    part: audio === undefined || audio === null ? null : placeholder('audio', bytesOfBase64(audio)),
  }
}

/** Servers show the thoughts themselves or a summary of them; where they show both, the thoughts. */
function readReasoning(item: JsonObject): string {
  const texts = (field: string): string =>
    arrayAt(item, field)
      .map((part) => stringAt(part, 'text') ?? '')
      .filter((text) => text !== '')
      .join('\n\n')
  return texts('content') || texts('summary')
}

function imageOf(item: JsonObject): string | null {
  const result = stringAt(item, 'result')
  return result ? imageText(imageFrom(result)) : null
}
