import { arrayAt, at, isObject, numberAt, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { finishReason } from '../finish-reasons.ts'
import { jsonText } from '../json-text.ts'
import { MessageUsage } from './usage.ts'

/**
 * Named events from `message_start` to `message_stop`, or one `message` object. Blocks are told apart by their index and may
 * end in any order. Events, blocks and deltas of unknown types pass by.
 */
export function anthropicDecoder(): Decoder {
  const answer = new Answer()
  const usage = new MessageUsage()
  const givenWhole = new Set<number>()
  let streamed = false

  const events: Record<string, (event: unknown) => void> = {
    message_start(event) {
      const message = at(event, 'message')
      answer.identify(at(message, 'id'), at(message, 'model'))
      usage.begin(at(message, 'usage'))
      arrayAt(message, 'content').forEach(block)
    },
    content_block_start: (event) => block(at(event, 'content_block'), numberAt(event, 'index') ?? 0),
    content_block_delta(event) {
      const index = numberAt(event, 'index') ?? 0
      const delta = at(event, 'delta')
      switch (stringAt(delta, 'type')) {
        case 'text_delta':
          return answer.text(0, at(delta, 'text'))
        case 'thinking_delta':
          return answer.reasoning(0, at(delta, 'thinking'))
        case 'input_json_delta':
          return givenWhole.has(index) ? undefined : answer.tool(0, index, { arguments: at(delta, 'partial_json') })
        case 'compaction_delta':
          return stringAt(delta, 'content') ? answer.hidden() : undefined
      }
    },
    message_delta(event) {
      stopped(at(event, 'delta', 'stop_reason'))
      usage.update(at(event, 'usage'))
    },
    message_stop() {
      answer.terminated = true
    },
    message(message) {
      answer.identify(at(message, 'id'), at(message, 'model'))
      arrayAt(message, 'content').forEach(block)
      stopped(at(message, 'stop_reason'))
      usage.update(at(message, 'usage'))
    },
  }

  /** A whole block, or the start of one: most hold nothing yet. */
  const block = (content: unknown, index: number): void => {
    switch (stringAt(content, 'type')) {
      case 'text':
        return answer.text(0, at(content, 'text'))
      case 'thinking':
        return answer.reasoning(0, at(content, 'thinking'))
      case 'redacted_thinking':
        return stringAt(content, 'data') ? answer.hidden() : undefined
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use':
        return call(content, index)
      case 'fallback': {
        const model = stringAt(content, 'to', 'model')
        if (model) answer.model = model
      }
    }
  }

  const call = (content: unknown, index: number): void => {
    const input = at(content, 'input')
    // a stream begins with `{}` and sends the input in pieces; some gateways send it whole
    const whole = isObject(input) && (!streamed || Object.keys(input).length > 0)
    if (whole) givenWhole.add(index)
    answer.tool(0, index, { id: at(content, 'id'), name: at(content, 'name'), arguments: whole ? jsonText(input) : '' })
  }

  const stopped = (reason: unknown): void => {
    if (typeof reason === 'string' && reason !== '') answer.finish(0, reason, finishReason(reason))
  }

  const read = (value: unknown, name: string | null): void => {
    const error = errorIn(value, name)
    if (error) return answer.fail(error)
    const type = stringAt(value, 'type') ?? name ?? ''
    if (Object.hasOwn(events, type)) events[type]?.(value)
  }

  return {
    push(value, atMs, name) {
      streamed = true
      answer.event(atMs)
      read(value, name)
    },
    whole(value) {
      answer.terminated = true
      read(value, null)
    },
    done() {
      answer.terminated = true
    },
    finish() {
      answer.usage = usage.result()
      answer.tokenSource = 'reported'
      answer.rawUsage = usage.raw
      answer.serviceTier = usage.serviceTier
      return answer.result()
    },
  }
}
