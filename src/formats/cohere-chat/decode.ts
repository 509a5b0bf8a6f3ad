import { arrayAt, at, isObject, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { finishReason } from '../finish-reasons.ts'
import { type EventReaders, eventDecoder } from './events.ts'
import { usageOf } from './usage.ts'

/** Events that name themselves in `type`, from `message-start` to `message-end`, or one whole answer with a `message`. */
export function cohereDecoder(): Decoder {
  const answer = new Answer()

  const events: EventReaders = {
    'message-start': (event) => answer.identify(at(event, 'id'), null),
    'content-start': (event) => content(at(event, 'delta', 'message', 'content')),
    'content-delta': (event) => content(at(event, 'delta', 'message', 'content')),
    'tool-plan-delta': (event) => answer.reasoning(0, at(event, 'delta', 'message', 'tool_plan')),
    'tool-call-start': (event, index) => call(at(event, 'delta', 'message', 'tool_calls'), index),
    'tool-call-delta': (event, index) => call(at(event, 'delta', 'message', 'tool_calls'), index),
    'message-end'(event) {
      answer.terminated = true
      end(at(event, 'delta'))
    },
  }

  /** A part of the content: text, or thinking. */
  const content = (part: unknown): void => {
    answer.reasoning(0, at(part, 'thinking'))
    answer.text(0, at(part, 'text'))
  }

  const call = (given: unknown, index: number): void =>
    answer.tool(0, index, {
      id: at(given, 'id'),
      name: at(given, 'function', 'name'),
      arguments: at(given, 'function', 'arguments'),
    })

  const end = (ending: unknown): void => {
    const raw = stringAt(ending, 'finish_reason')
    if (raw) answer.finish(0, raw, finishReason(raw))
    const reported = at(ending, 'usage')
    if (!isObject(reported)) return
    answer.rawUsage = reported
    answer.usage = usageOf(reported)
    answer.tokenSource = 'reported'
  }

  const whole = (value: unknown): void => {
    answer.identify(at(value, 'id'), null)
    const message = at(value, 'message')
    answer.reasoning(0, at(message, 'tool_plan'))
    arrayAt(message, 'content').forEach(content)
    arrayAt(message, 'tool_calls').forEach(call)
    end(value)
  }

  return eventDecoder(answer, 'type', events, whole)
}
