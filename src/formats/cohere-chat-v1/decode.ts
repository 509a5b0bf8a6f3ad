import { arrayAt, at, countAt, isObject, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import { type EventReaders, eventDecoder } from '../cohere-chat/events.ts'
import { usageOf } from '../cohere-chat/usage.ts'
import type { Decoder } from '../decoder.ts'
import { finishReason } from '../finish-reasons.ts'

/**
 * Lines (or events) that name themselves in `event_type`, from `stream-start` to `stream-end`, which repeats the whole answer; or
 * that answer alone. What was told in pieces is not taken again.
 */
export function cohereV1Decoder(): Decoder {
  const answer = new Answer()
  let calls = 0

  const events: EventReaders = {
    'stream-start': (event) => answer.identify(at(event, 'generation_id'), null),
    'text-generation': (event) => answer.text(0, at(event, 'text')),
    'tool-calls-chunk'(event) {
      const delta = at(event, 'tool_call_delta')
      answer.text(0, at(event, 'text') ?? at(delta, 'text'))
      if (!isObject(delta) || (delta.name === undefined && delta.parameters === undefined)) return
      const index = countAt(delta, 'index') ?? 0
      calls = Math.max(calls, index + 1)
      answer.tool(0, index, { name: delta.name, arguments: delta.parameters })
    },
    'tool-calls-generation': (event) => callsOf(event),
    'stream-end'(event) {
      answer.terminated = true
      end(at(event, 'response'), stringAt(event, 'finish_reason'))
    },
  }

  const callsOf = (value: unknown): void => {
    if (calls > 0) return
    for (const call of arrayAt(value, 'tool_calls'))
      answer.tool(0, calls++, { name: at(call, 'name'), arguments: at(call, 'parameters') })
  }

  const end = (response: unknown, reason: string | null): void => {
    answer.identify(stringAt(response, 'generation_id') ?? at(response, 'response_id'), null)
    if (!answer.hasContent()) answer.text(0, at(response, 'text'))
    callsOf(response)
    const raw = reason ?? stringAt(response, 'finish_reason')
    const normal = raw ? finishReason(raw) : null
    if (raw && normal) answer.finish(0, raw, normal === 'stop' && calls > 0 ? 'tool_calls' : normal)
    const meta = at(response, 'meta')
    if (!isObject(meta)) return
    answer.rawUsage = meta
    answer.usage = usageOf(meta)
    answer.tokenSource = 'reported'
  }

  return eventDecoder(answer, 'event_type', events, (value) => end(value, null))
}
