/** Where a fragment of an item belongs. */
export type Channel = 'text' | 'refusal' | 'reasoning' | 'summary' | 'input'

export interface FragmentKind {
  channel: Channel
  /** The field with the fragment, or with the whole of it. */
  field: string
  /** The whole of what deltas said before, and all there is where a server sends no deltas. */
  whole: boolean
}

const channels: readonly (readonly [name: string, channel: Channel, wholeField: string])[] = [
  ['output_text', 'text', 'text'],
  ['refusal', 'refusal', 'refusal'],
  ['reasoning_text', 'reasoning', 'text'],
  ['reasoning_summary_text', 'summary', 'text'],
  ['function_call_arguments', 'input', 'arguments'],
  ['custom_tool_call_input', 'input', 'input'],
  ['mcp_call_arguments', 'input', 'arguments'],
  ['code_interpreter_call_code', 'input', 'code'],
  ['shell_call_command', 'input', 'command'],
  ['audio.transcript', 'text', 'transcript'],
]

/** Events that carry a fragment of an item, by their type (wire-formats 4.4). */
export const fragmentKinds: ReadonlyMap<string, FragmentKind> = new Map(
  channels.flatMap(([name, channel, field]): [string, FragmentKind][] => [
    [`response.${name}.delta`, { channel, field: 'delta', whole: false }],
    [`response.${name}.done`, { channel, field, whole: true }],
  ]),
)

/** Parts of a message or of a thought that are told whole, by the part's own type. */
export const partKinds: ReadonlyMap<string, FragmentKind> = new Map<string, FragmentKind>([
  ['output_text', { channel: 'text', field: 'text', whole: true }],
  ['refusal', { channel: 'refusal', field: 'refusal', whole: true }],
  ['reasoning_text', { channel: 'reasoning', field: 'text', whole: true }],
  ['summary_text', { channel: 'summary', field: 'text', whole: true }],
])
