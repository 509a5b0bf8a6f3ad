import type { ExchangeHead } from '../records/exchange.ts'
import { modelOperations, type Operation, textOperations } from '../records/outcome.ts'
import type { Decoded } from './decoder.ts'
import { saysNothing } from './observed.ts'
import type { ReadAnswer } from './read-answer.ts'

export interface Promised {
  operation: Operation
  /** The request asked for a stream. Null: it could not be read. */
  stream: boolean | null
}

const noteCharacters = 500

/**
 * Why an answer is not what its path and its request promise, or could not be read as that: its coding, its type, its
 * framing, its end, its shape. Null where it is. An answer that says itself that it failed promises nothing.
 */
export function parseNote(
  head: ExchangeHead,
  answer: ReadAnswer,
  decoded: Decoded | null,
  promised: Promised,
): string | null {
  const reasons = [...answer.notes]
  if (head.status < 400 && head.status !== 204) {
    const mistyped = typeNote(head, answer)
    if (mistyped) reasons.push(mistyped)
    const misframed = isNoAnswer(decoded) ? null : framingNote(answer, promised)
    if (misframed) reasons.push(misframed)
    const unended = endNote(answer, decoded)
    if (unended) reasons.push(unended)
    if (answer.clean && shapeless(decoded, answer, promised.operation))
      reasons.push('nothing of what this path answers was found in it')
  }
  return reasons.length === 0 ? null : reasons.join('; ').slice(0, noteCharacters)
}

/** A model was loaded or unloaded: said in one JSON value, also where a stream was asked for. */
const isNoAnswer = (decoded: Decoded | null): boolean =>
  decoded?.finishReason === 'load' || decoded?.finishReason === 'unload'

const streams: ReadonlySet<ReadAnswer['framing']> = new Set(['sse', 'ndjson', 'json-array'])

function framingNote({ framing, content }: ReadAnswer, { operation, stream }: Promised): string | null {
  if (framing === 'none') return content.unexamined ? null : 'the answer is empty'
  if (framing === 'text') return textOperations.has(operation) ? null : 'the answer is text and no JSON'
  if (streams.has(framing) && stream === false) return 'a stream came where one JSON value was asked for'
  return framing === 'json' && stream ? 'one JSON value came where a stream was asked for' : null
}

/** Types as servers send them for each framing; any type is fine for text and binary answers, whose framing says it all. */
const types: Readonly<Partial<Record<ReadAnswer['framing'], RegExp>>> = {
  sse: /^text\/event-stream$/,
  ndjson: /json/,
  'json-array': /json/,
  json: /json/,
}

function typeNote({ contentType }: ExchangeHead, { framing }: ReadAnswer): string | null {
  const wanted = types[framing]
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (!wanted || wanted.test(type)) return null
  const came = framing === 'sse' ? 'events' : 'JSON'
  return type === '' ? `${came} came without a type` : `${came} came under the type ${type.slice(0, 80)}`
}

function endNote({ framing, clean }: ReadAnswer, decoded: Decoded | null): string | null {
  if (!clean) return 'the connection ended before the answer did'
  const unended = streams.has(framing) && decoded !== null && !decoded.terminated && decoded.error === null
  return unended ? "the stream ended without its format's own end" : null
}

/** Values came, and none of them said anything that a model's answer says. */
function shapeless(decoded: Decoded | null, { framing }: ReadAnswer, operation: Operation): boolean {
  if (decoded === null || textOperations.has(operation) || framing === 'none' || framing === 'text') return false
  return modelOperations.has(operation) && decoded.error === null && saysNothing(decoded)
}
