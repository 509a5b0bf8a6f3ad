import { at, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { finishReason } from '../finish-reasons.ts'
import { argumentsText } from '../request-text.ts'
import { countersOf, timingsOf, usageOf } from './counters.ts'

/** What one object of an answer adds. */
interface Generated {
  thinking: unknown
  text: unknown
  toolCalls: unknown
}

/** Reads `/api/chat` and `/api/generate`, streamed or not; `generatedIn` says where an object holds what was generated. */
export function ollamaDecoder(generatedIn: (part: JsonObject) => Generated): Decoder {
  const answer = new Answer()
  let toolCalls = 0

  const read = (part: JsonObject): void => {
    const error = errorIn(part)
    if (error) answer.fail(error)
    answer.identify(null, part.model)
    const generated = generatedIn(part)
    answer.reasoning(0, generated.thinking)
    answer.text(0, generated.text)
    if (Array.isArray(generated.toolCalls)) generated.toolCalls.forEach(addCall)
    if (part.done === true) end(part)
  }

  // calls are whole, and their `index` may be absent: each one is a call of its own
  const addCall = (call: unknown): void =>
    answer.tool(0, toolCalls++, {
      id: at(call, 'id'),
      name: at(call, 'function', 'name'),
      arguments: argumentsText(at(call, 'function', 'arguments')),
    })

  const end = (part: JsonObject): void => {
    answer.terminated = true
    answer.timings = timingsOf(part)
    answer.rawUsage = countersOf(part)
    // empty when the model's runner went away; older servers send none
    const raw = stringAt(part, 'done_reason') ?? ''
    const reason = raw === '' ? null : raw === 'stop' && toolCalls > 0 ? 'tool_calls' : finishReason(raw)
    if (reason !== null) answer.finish(0, raw, reason)
    if (reason === 'load' || reason === 'unload') return // nothing was generated, nothing is counted
    answer.usage = usageOf(part, answer.hasContent())
    answer.tokenSource = 'reported'
  }

  return {
    push(value, atMs) {
      answer.event(atMs)
      if (isObject(value)) read(value)
    },
    whole(value) {
      answer.terminated = true
      if (isObject(value)) read(value)
    },
    done() {}, // no sentinel in this format
    finish: () => answer.result(),
  }
}
