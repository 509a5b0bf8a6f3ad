import { holdsSecret } from '../lib/secret-scan.ts'
import type { Exchange, ExchangeHead, SecretHint } from '../records/exchange.ts'
import type { Provider } from '../records/provider.ts'
import { Answer } from './answer.ts'
import { type Decoded, type DecodeHints, noFacts, type RequestFacts } from './decoder.ts'
import { type FoundRoute, findRoute } from './find-route.ts'
import type { Content } from './framing/content-coding.ts'
import type { Observed } from './observed.ts'
import { usageOfHeaders } from './other-counts.ts'
import { parseNote } from './parse-note.ts'
import { type ReadAnswer, readAnswer } from './read-answer.ts'
import { readRequest } from './read-request.ts'

/**
 * What the bytes of one exchange mean. Never throws, whatever the bytes are: what cannot be read is counted and noted, and
 * the rest is still read. `pepper` confirms the call's own secret inside compressed bodies.
 */
export function observe(exchange: Exchange, provider: Provider | undefined, pepper: string): Observed {
  const route = findRoute(exchange.open.method, exchange.open.path, provider)
  const seen = observeAs(route, exchange, pepper)
  if (!route.fetches || isCompleteAnswer(seen)) return seen
  return observeAs({ ...route, operation: 'other', format: null }, exchange, pepper)
}

/** What was asked for by another call counts here only when it was made in the background and is there now. */
const isCompleteAnswer = ({ decoded }: Observed): boolean =>
  decoded?.background === true && !decoded.pending && decoded.usage !== null && decoded.responseId !== null

function observeAs({ operation, format, hints, model }: FoundRoute, exchange: Exchange, pepper: string): Observed {
  const { open, head } = exchange
  const read = readRequest(exchange, format)
  const request = { ...read, facts: withPath(read.facts, model, open.path) }
  const decoder = format && head ? format.decoder(request.facts, hints) : null
  const asked = { wantsStream: request.facts.stream, largeAnswers: format?.largeAnswers === true }
  const answer = head ? readAnswer(exchange, head, decoder, asked) : null
  const decoded = answer && answer.framing !== 'none' ? concluded(answer, hints, head) : null
  const holds = (content: Content | undefined): boolean => hides(content, open.secretHints, pepper)
  const requestHoldsSecret = holds(request.content)
  const responseHoldsSecret = holds(answer?.content)
  const { malformed } = request.facts
  return {
    operation,
    format: format?.id ?? null,
    request: requestHoldsSecret ? wordlessRequest(request.facts) : request.facts,
    decoded: decoded && responseHoldsSecret ? wordlessAnswer(decoded) : decoded,
    framing: answer?.framing ?? 'none',
    events: {
      ...(answer?.events ?? { events: 0, bad_events: 0, comments: 0 }),
      content_events: withEvents.has(answer?.framing ?? 'none') ? (decoded?.contentEvents ?? 0) : 0,
    },
    readWhole: answer?.readWhole ?? false,
    notes: [
      ...request.notes,
      ...(malformed && exchange.request.size > 0
        ? ['request: its body is not what this path takes; forwarded as it came']
        : []),
      ...(answer?.notes ?? []),
      ...(decoded?.pending ? ['the answer is made in the background: it counts with the call that fetches it'] : []),
    ],
    parseNote:
      format && head && answer && open.method !== 'HEAD'
        ? parseNote(head, answer, decoded, { operation, stream: request.whole ? request.facts.stream : null })
        : null,
    requestHoldsSecret,
    responseHoldsSecret,
  }
}

/** What the path says of a request: the model, and the version of the vendor's API. */
function withPath(facts: RequestFacts, model: string | null, path: string): RequestFacts {
  const version = /[?&]api-version=([^&#]{1,60})/.exec(path)?.[1]
  if (model === null && version === undefined) return facts
  return {
    ...facts,
    model: model ?? facts.model,
    parameters: version === undefined ? facts.parameters : { ...facts.parameters, api_version: version },
  }
}

/** Answers whose content arrives bit by bit. */
const withEvents: ReadonlySet<Observed['framing']> = new Set(['sse', 'ndjson', 'json-array', 'binary'])

/** The decoder's result with what only the head or the way the stream ended can tell: errors, and counts in headers. */
function concluded(answer: ReadAnswer, hints: DecodeHints, head: ExchangeHead | null): Decoded | null {
  const found = answer.decoded && withHeaderCounts(answer.decoded, hints, head)
  const error = found?.error ?? answer.statusError ?? (found && swallowed(found, answer, hints))
  if (found) return error === found.error ? found : { ...found, error }
  return error ? { ...new Answer().result(), error } : null
}

function withHeaderCounts(found: Decoded, hints: DecodeHints, head: ExchangeHead | null): Decoded {
  if (found.usage !== null || head === null || head.status >= 400) return found
  const usage = usageOfHeaders(hints, head.headers)
  return usage === null ? found : { ...found, usage, tokenSource: 'header' }
}

/** Ollama's `/v1` ends a failed stream like a finished one, with neither a finish reason nor `[DONE]` (wire-formats 6.2). */
function swallowed(found: Decoded, answer: ReadAnswer, hints: DecodeHints): Decoded['error'] {
  const unfinished = answer.framing === 'sse' && !found.terminated && found.finishReason === null
  if (!hints.swallowsErrors || !unfinished || !answer.readWhole || answer.events.events === 0) return null
  return { message: 'the stream ended without a finish reason: the server hid an error', type: 'hidden', code: null }
}

/** Plain bodies were searched before they were journalled; here only what had to be decompressed or unescaped is. */
function hides(content: Content | undefined, hints: readonly SecretHint[], pepper: string): boolean {
  if (!content || hints.length === 0) return false
  if (content.coded && content.unexamined) return true
  const bytes = Buffer.concat(content.pieces.map((piece) => piece.bytes))
  if (content.coded && holdsSecret(bytes, hints, pepper)) return true
  const unescaped = withoutEscapes(bytes)
  return unescaped !== null && holdsSecret(unescaped, hints, pepper)
}

/** JSON may write any character of a secret as an escape, and some clients do so with each slash. Null: there are none. */
function withoutEscapes(bytes: Buffer): Buffer | null {
  if (!bytes.includes('\\u00') && !bytes.includes('\\/')) return null
  const text = bytes.toString('latin1')
  const plain = text.replace(escapes, (_whole, hex: string | undefined) =>
    hex === undefined ? '/' : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(plain, 'latin1')
}

const escapes = /\\(?:u00([2-7][0-9a-f])|\/)/gi

/** A compressed or escaped body that holds the call's own secret may hold it in any text: only numbers are taken from it. */
const wordlessRequest = ({ stream, inputs, echo }: RequestFacts): RequestFacts => ({ ...noFacts, stream, inputs, echo })

function wordlessAnswer(decoded: Decoded): Decoded {
  const withheld = 'withheld: it held the key of the call'
  return {
    ...decoded,
    responseId: null,
    model: null,
    systemFingerprint: null,
    serviceTier: null,
    imageKind: null,
    rawUsage: null,
    progress: null,
    choices: decoded.choices.map(({ index, finishReason }) => ({
      index,
      text: '',
      reasoning: '',
      refusal: '',
      toolCalls: [],
      finishReason,
      finishReasonRaw: null,
      parts: [],
    })),
    error: decoded.error && { message: withheld, type: null, code: null },
  }
}
