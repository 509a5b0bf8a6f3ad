import { arrayAt, at, countAt, isObject, type JsonObject, numberAt, stringAt } from '../../records/json.ts'
import { type Usage, unknownUsage } from '../../records/usage.ts'
import { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'

/** Named events from `chat.start` to `chat.end`, whose `result` is the whole answer once more; or that answer alone. */
export function lmstudioDecoder(): Decoder {
  const answer = new Answer()
  let calls = 0

  const events: Readonly<Record<string, (event: JsonObject) => void>> = {
    'chat.start': (event) => answer.identify(null, event.model_instance_id),
    'reasoning.delta': (event) => answer.reasoning(0, event.content),
    'message.delta': (event) => answer.text(0, event.content),
    'tool_call.start'(event) {
      calls++
      answer.tool(0, calls, { name: event.tool })
    },
    'tool_call.arguments': (event) => answer.tool(0, calls, { name: event.tool, arguments: event.arguments }),
    'chat.end'(event) {
      answer.terminated = true
      if (isObject(event.result)) readWhole(event.result, !answer.hasContent())
    },
  }

  const items: Readonly<Record<string, (item: unknown) => void>> = {
    reasoning: (item) => answer.reasoning(0, at(item, 'content')),
    message: (item) => answer.text(0, at(item, 'content')),
    tool_call(item) {
      calls++
      answer.tool(0, calls, { name: at(item, 'tool'), arguments: at(item, 'arguments') })
    },
  }

  /** `missed`: the words were not streamed. */
  const readWhole = (whole: JsonObject, missed: boolean): void => {
    answer.identify(whole.response_id, whole.model_instance_id)
    for (const item of missed ? arrayAt(whole, 'output') : []) {
      const type = stringAt(item, 'type') ?? ''
      if (Object.hasOwn(items, type)) items[type]?.(item)
    }
    if (!isObject(whole.stats)) return
    answer.usage = usageOf(whole.stats)
    answer.tokenSource = 'reported'
    answer.rawUsage = whole.stats
    const loadSeconds = numberAt(whole.stats, 'model_load_time_seconds')
    answer.timings = { ...answer.timings, loadMs: loadSeconds === null ? null : loadSeconds * 1000 }
  }

  const read = (value: unknown, name: string | null): void => {
    const error = errorIn(value, name)
    if (error) return answer.fail(error)
    const type = stringAt(value, 'type') ?? name ?? ''
    if (isObject(value) && Object.hasOwn(events, type)) events[type]?.(value)
  }

  return {
    push(value, atMs, name) {
      answer.event(atMs)
      read(value, name)
    },
    whole(value) {
      const error = errorIn(value)
      if (error) answer.fail(error)
      else if (isObject(value)) readWhole(value, true)
      answer.terminated = true
    },
    done() {
      answer.terminated = true // not of this API
    },
    finish: () => answer.result(),
  }
}

/** The output holds the reasoning. */
function usageOf(stats: JsonObject): Usage | null {
  const input = countAt(stats, 'input_tokens')
  const output = countAt(stats, 'total_output_tokens')
  if (input === null && output === null) return null
  return {
    ...unknownUsage,
    input,
    inputUncached: input,
    output,
    reasoning: countAt(stats, 'reasoning_output_tokens'),
  }
}
