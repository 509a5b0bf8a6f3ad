import { at, booleanAt, countAt, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import type { FinishReason } from '../../records/outcome.ts'
import { unknownUsage } from '../../records/usage.ts'
import { Answer } from '../answer.ts'
import type { DecodeHints, Decoder, RequestFacts } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { finishReason } from '../finish-reasons.ts'
import { openaiUsage } from '../openai-usage.ts'
import { argumentsText, bytesOfBase64 } from '../request-text.ts'
import { type FragmentKind, fragmentKinds, partKinds } from './events.ts'
import { isEmpty, isForCaller, type OutputItem, readItem, sizeOf } from './items.ts'
import { Output } from './output.ts'

/**
 * Named events from `response.created` to `response.completed`, or one response object. The last one repeats the whole
 * answer; of the two tellings that one counts which says more.
 */
export function responsesDecoder(request: RequestFacts, hints: DecodeHints): Decoder {
  const answer = new Answer()
  const usage = openaiUsage(request, hints)
  const output = new Output()
  let final: readonly OutputItem[] = []
  let status: string | null = null
  let incompleteReason: string | null = null
  let streamed = false

  const told = (): readonly OutputItem[] => {
    const items = output.items()
    return final.length > 0 && sizeOfAll(final) >= sizeOfAll(items) ? final : items
  }

  const response = (value: JsonObject, event: JsonObject): void => {
    usage.see({ usage: value.usage, timings: event.timings })
    answer.identify(value.id, value.model)
    // what was asked for stands in the first event, what was served in the last
    answer.serviceTier = stringAt(value, 'service_tier') || answer.serviceTier
    answer.background ||= booleanAt(value, 'background') === true
    status = stringAt(value, 'status') ?? status ?? (value.object === 'response.compaction' ? 'completed' : null)
    incompleteReason = stringAt(value, 'incomplete_details', 'reason') ?? incompleteReason
    if (Array.isArray(value.output) && value.output.length > 0) final = value.output.slice(0, itemLimit).map(readItem)
  }

  const fragment = (event: JsonObject, kind: FragmentKind, holder: unknown): void => {
    const value = at(holder, kind.field)
    const text = typeof value === 'string' ? value : argumentsText(value)
    const index = countAt(event, 'content_index') ?? countAt(event, 'summary_index') ?? countAt(event, 'command_index')
    if (output.item(event)?.add(kind, index ?? 0, text))
      answer.hidden(kind.channel === 'text' || kind.channel === 'refusal')
  }

  const events: Readonly<Record<string, (event: JsonObject) => void>> = {
    'response.output_item.added'(event) {
      const item = output.item(event)
      if (!item) return
      item.begin(event.item)
      if (!stringAt(event, 'item', 'name')) return
      item.heard = true
      answer.hidden()
    },
    'response.output_item.done'(event) {
      const item = output.item(event)
      if (!item) return
      item.end(event.item)
      const said = item.read()
      // hosted tools are at work between the events of the model
      if (!item.heard && !isEmpty(said) && !hostedSearches.has(said.type)) answer.hidden(isVisible(said))
    },
    'response.content_part.done': (event) => partDone(event),
    'response.reasoning_summary_part.done': (event) => partDone(event),
    'response.shell_call_command.added': (event) =>
      fragment(event, { channel: 'input', field: 'command', whole: false }, event),
    'response.audio.delta'(event) {
      const data = stringAt(event, 'delta')
      if (data) answer.bytes(0, 'audio', bytesOfBase64(data))
    },
    'response.image_generation_call.partial_image'(event) {
      if (stringAt(event, 'partial_image_b64')) answer.hidden()
    },
  }

  const partDone = (event: JsonObject): void => {
    const kind = partKinds.get(stringAt(event, 'part', 'type') ?? '')
    if (kind) fragment(event, kind, event.part)
  }

  const take = (value: unknown, name: string | null, whole: boolean): void => {
    const error = errorIn(value, name)
    if (error) {
      answer.fail(error)
      answer.terminated = true
    }
    if (!isObject(value)) return
    const type = stringAt(value, 'type') ?? name ?? ''
    const kind = fragmentKinds.get(type)
    if (kind) fragment(value, kind, value)
    else if (Object.hasOwn(events, type)) events[type]!(value)
    else if (isObject(value.response)) response(value.response, value)
    else if (whole) response(value, value)
    if (whole || lastEvents.has(type)) {
      answer.terminated = true
      const said = told()
      if (!answer.hasContent() && sizeOfAll(said) > 0) answer.hidden(said.some(isVisible))
    }
  }

  return {
    push(value, atMs, name) {
      streamed = true
      answer.event(atMs)
      take(value, name, false)
    },
    whole(value) {
      take(value, null, true)
    },
    done() {
      answer.terminated = true // not of this API, but gateways send it
    },
    finish() {
      const items = told()
      tell(answer, items)
      const end = endOf(status, incompleteReason, items)
      if (end) answer.finish(0, end.raw, end.reason)
      answer.pending = (status === 'queued' || status === 'in_progress') && (answer.background || !streamed)
      const { timings, ...found } = usage.read(answer.terminated)
      Object.assign(answer, found)
      answer.timings = { ...answer.timings, ...timings }
      const webSearches = items.filter((item) => item.searches).length
      if (webSearches > 0) answer.usage = { ...(answer.usage ?? unknownUsage), webSearches }
      return answer.result()
    },
  }
}

const itemLimit = 512
const lastEvents: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
])
const hostedSearches: ReadonlySet<string> = new Set(['web_search_call', 'file_search_call', 'tool_search_call'])

const isVisible = ({ text, refusal }: OutputItem): boolean => text !== '' || refusal !== ''

const sizeOfAll = (items: readonly OutputItem[]): number => items.reduce((sum, item) => sum + sizeOf(item), 0)

function tell(answer: Answer, items: readonly OutputItem[]): void {
  for (const [place, { text, refusal, call, part }] of items.entries()) {
    if (text !== '') answer.told(0, 'text', text)
    if (refusal !== '') answer.told(0, 'refusal', refusal)
    if (call) answer.toldTool(0, place, call)
    if (part) answer.toldPart(0, part)
  }
  const thoughts = items.map((item) => item.reasoning).filter((thought) => thought !== '')
  if (thoughts.length > 0) answer.told(0, 'reasoning', thoughts.join('\n\n'))
}

/** The vendor's own word for the end and ours; null while there is none. */
function endOf(
  status: string | null,
  incompleteReason: string | null,
  items: readonly OutputItem[],
): { raw: string; reason: FinishReason } | null {
  if (status === null || status === 'queued' || status === 'in_progress') return null
  if (status === 'incomplete') {
    const raw = incompleteReason || status
    return { raw, reason: finishReason(raw) }
  }
  const waits = isForCaller(items.at(-1)?.type ?? '') || items.some((item) => functions.has(item.type))
  return { raw: status, reason: status === 'completed' && waits ? 'tool_calls' : finishReason(status) }
}

const functions: ReadonlySet<string> = new Set(['function_call', 'custom_tool_call'])
