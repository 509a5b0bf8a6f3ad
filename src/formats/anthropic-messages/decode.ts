import { arrayAt, at, isObject, numberAt, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import type { DecodeHints, Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { finishReason } from '../finish-reasons.ts'
import { jsonText } from '../json-text.ts'
import { MessageUsage } from './usage.ts'

type Readers = Readonly<Record<string, (value: unknown, index: number) => void>>

/**
 * Named events from `message_start` to `message_stop`, or one `message` object. Blocks are told apart by their index and may
 * end in any order. Events, blocks and deltas of unknown types pass by.
 */
export function anthropicDecoder(hints: DecodeHints): Decoder {
  const answer = new Answer()
  const usage = new MessageUsage(hints.guessesInput === true)
  const givenWhole = new Set<number>()
  let streamed = false

  const events: Readers = {
    message_start(event) {
      const message = at(event, 'message')
      answer.identify(at(message, 'id'), at(message, 'model'))
      usage.begin(at(message, 'usage'))
    },
    content_block_start: (event, index) => readBlock(at(event, 'content_block'), index),
    content_block_delta(event, index) {
      const delta = at(event, 'delta')
      dispatch(deltas, stringAt(delta, 'type'), delta, index)
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
      arrayAt(message, 'content').forEach(readBlock)
      stopped(at(message, 'stop_reason'))
      usage.update(at(message, 'usage'))
    },
  }

  /** A whole block, or the start of one. Results of the server's tools are no output of the model. */
  const blocks: Readers = {
    text: (block) => answer.text(0, at(block, 'text')),
    thinking: (block) => answer.reasoning(0, at(block, 'thinking')),
    redacted_thinking(block) {
      if (stringAt(block, 'data')) answer.hidden()
    },
    tool_use: (block, index) => call(block, index),
    server_tool_use: (block, index) => call(block, index),
    mcp_tool_use: (block, index) => call(block, index),
    fallback(block) {
      answer.model = stringAt(block, 'to', 'model') ?? answer.model
    },
  }

  const deltas: Readers = {
    text_delta: (delta) => answer.text(0, at(delta, 'text')),
    thinking_delta: (delta) => answer.reasoning(0, at(delta, 'thinking')),
    input_json_delta(delta, index) {
      if (!givenWhole.has(index)) answer.tool(0, index, { arguments: at(delta, 'partial_json') })
    },
    compaction_delta(delta) {
      if (stringAt(delta, 'content')) answer.hidden()
    },
  }

  const readBlock = (block: unknown, index: number): void => dispatch(blocks, stringAt(block, 'type'), block, index)

  const call = (block: unknown, index: number): void => {
    const input = at(block, 'input')
    // a stream begins with `{}`, or with nothing, and sends the input in pieces; some gateways send it whole
    const whole = isObject(input) && (!streamed || Object.keys(input).length > 0)
    if (whole) givenWhole.add(index)
    answer.tool(0, index, { id: at(block, 'id'), name: at(block, 'name'), arguments: whole ? jsonText(input) : '' })
  }

  const stopped = (reason: unknown): void => {
    if (typeof reason === 'string' && reason !== '') answer.finish(0, reason, finishReason(reason))
  }

  const read = (value: unknown, name: string | null): void => {
    const error = errorIn(value, name)
    if (error) answer.fail(error)
    else dispatch(events, stringAt(value, 'type') ?? name, value, numberAt(value, 'index') ?? 0)
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
      answer.terminated = true // not of this API, but gateways send it
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

function dispatch(readers: Readers, type: string | null, value: unknown, index: number): void {
  if (type !== null && Object.hasOwn(readers, type)) readers[type]?.(value, index)
}
