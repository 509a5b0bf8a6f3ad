import { arrayAt, at, isObject, objectOf, stringAt } from '../records/json.ts'
import type { RunDetail } from '../stores/store.ts'
import { jsonLines } from './json-lines.ts'
import { countText, harmless, oneLine } from './text.ts'

/** The conversation as a person reads it; long texts are cut, unless all of it is asked for. */
export function saidText({ run }: RunDetail, isFull: boolean): string {
  const tools = toolNames(run.messages)
  const messages = run.messages.map((message) =>
    said(titleOf(message, tools), [textOf(message), ...arrayAt(message, 'tool_calls').map(callText)], isFull),
  )
  if (messages.length === 0 && run.prompt !== null) messages.push(said('prompt', [run.prompt], isFull))
  const { completion, reasoning, refusal, tool_calls } = run
  const choices = run.choices.length > 0 ? run.choices : [{ text: completion ?? '', reasoning, refusal, tool_calls }]
  const answers = choices.flatMap((choice, place) => {
    const number = choices.length > 1 ? ` ${place + 1}` : ''
    const reason = stringAt(choice, 'finish_reason_raw') ?? stringAt(choice, 'finish_reason')
    const finish = choices.length > 1 && reason ? ` · finished: ${reason}` : ''
    return [
      said(`reasoning${number}`, [stringAt(choice, 'reasoning')], isFull),
      said(
        `answer${number}${finish}`,
        [textOf(choice), ...arrayAt(choice, 'parts').map(String), ...arrayAt(choice, 'tool_calls').map(callText)],
        isFull,
      ),
      said(`refusal${number}`, [stringAt(choice, 'refusal')], isFull),
    ]
  })
  const cut = run.text_truncated ? '\n(texts were cut at the limit)\n' : ''
  const all = [...messages, ...answers].join('')
  if (all === '' && run.request_body.kept + run.response_body.kept > 0) return noConversation
  return all + cut
}

const noConversation = '\nno conversation was read from it: --raw request and --raw response print the bytes\n'

/** The text of a message or a choice; of a form that is not known here, the JSON. */
function textOf(said: unknown): string | null {
  const text = at(said, 'text') ?? at(said, 'content')
  if (typeof text === 'string') return text
  if (text !== undefined && text !== null) return JSON.stringify(text)
  if (!isObject(said)) return said === null || said === undefined ? null : String(JSON.stringify(said))
  return knownFields.some((name) => Object.hasOwn(said, name)) ? null : JSON.stringify(said)
}

const knownFields = ['role', 'tool_calls', 'reasoning', 'refusal', 'parts', 'finish_reason']

/** What the provider reported, as it did. */
export const usageText = ({ run }: RunDetail): string =>
  run.raw_usage === null || run.raw_usage === undefined
    ? ''
    : said('usage as reported', [JSON.stringify(run.raw_usage)], true)

/** The tools that were called, by the id of the call: results name that alone. */
const toolNames = (messages: readonly unknown[]): ReadonlyMap<string, string> =>
  new Map(
    messages
      .flatMap((message) => arrayAt(message, 'tool_calls'))
      .flatMap((call) => {
        const [id, name] = [stringAt(call, 'id'), stringAt(call, 'name')]
        return id === null || name === null ? [] : [[id, name] as const]
      }),
  )

function titleOf(message: unknown, tools: ReadonlyMap<string, string>): string {
  const role = stringAt(message, 'role') ?? 'message'
  const id = stringAt(message, 'tool_call_id')
  const name = stringAt(message, 'name') ?? (id === null ? null : (tools.get(id) ?? null))
  const of = id === null ? '' : ` [${id}]`
  return `${role === 'tool' ? 'result of tool' : role}${name ? (role === 'tool' ? ` ${name}` : ` (${name})`) : ''}${of}`
}

/** A heading with the texts below it, moved in; nothing when there is nothing to say. */
function said(title: string, texts: readonly (string | null)[], isFull: boolean): string {
  const lines = texts
    .filter((text) => text !== null && text !== '')
    .flatMap((text) => harmless(isFull ? jsonLines(String(text)) : shortened(jsonLines(String(text)))).split('\n'))
  return lines.length === 0 ? '' : `\n${oneLine(title)}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`
}

const most = { characters: 4_000, lines: 60 }

/** The beginning of a long text, with what is missing and how to see it. */
function shortened(text: string): string {
  const within = text.slice(0, most.characters).split('\n').slice(0, most.lines).join('\n')
  const left = text.length - within.length
  if (left <= 0) return text
  // never with half a character at the end
  return `${within.replace(/[\ud800-\udbff]$/, '')}…\n(${countText(left)} more characters: --full shows all)`
}

/** `→ name(arguments)`, long arguments in lines. */
function callText(call: unknown): string {
  const line = toolCallText(call)
  return line.length <= 100 ? line : calledWith(call, jsonLines)
}

/** `→ name(arguments)` */
export const toolCallText = (call: unknown): string => calledWith(call, (text) => text)

function calledWith(call: unknown, form: (text: string) => string): string {
  const { id, name, arguments: given } = objectOf(call)
  const text = form(typeof given === 'string' ? given : JSON.stringify(given ?? {}))
  return `→ ${String(name ?? '?')}(${text})${id ? `  [${String(id)}]` : ''}`
}
