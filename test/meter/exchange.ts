import { Answer } from '../../src/formats/answer.ts'
import { type Decoded, noFacts, type RequestFacts, type RequestMessage } from '../../src/formats/decoder.ts'
import type { Observed } from '../../src/formats/observed.ts'
import { messageOf } from '../../src/formats/request-text.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/id.ts'
import type { Body, Exchange, ExchangeClose, ExchangeHead, ExchangeOpen } from '../../src/records/exchange.ts'
import { anOpen } from '../support/exchange-open.ts'

/** A message of a request. */
export const user = (text: string, more: Partial<RequestMessage> = {}): RequestMessage => messageOf('user', text, more)

/** The monotonic time at which every exchange of these tests begins. */
export const begun = 10_000

export interface ExchangeParts {
  open?: Partial<ExchangeOpen>
  head?: Partial<ExchangeHead> | null
  close?: Partial<ExchangeClose> | null
  request?: string | Uint8Array | Body
  /** Pieces by milliseconds since the beginning. */
  response?: readonly (readonly [ms: number, text: string | Uint8Array])[] | Body
}

/** A whole OpenAI chat that went well, but for what is said otherwise. Marks are given as on the monotonic clock. */
export function anExchange(parts: ExchangeParts = {}): Exchange {
  const request = bodyOf(parts.request ?? '')
  const response =
    Array.isArray(parts.response) || parts.response === undefined
      ? piecesOf(parts.response ?? [])
      : (parts.response as Body)
  const first = response.pieces[0]?.atMs ?? null
  const last = response.pieces.at(-1)?.atMs ?? null
  return {
    open: anOpen({
      id: newId(systemClock.wall()),
      atMs: begun,
      context: {
        project: 'acme',
        organisation: null,
        user: 'ada',
        experiment: null,
        session: null,
        environment: null,
        traceparent: null,
      },
      keyFingerprint: '0123456789abcdef0123456789abcdef',
      ...parts.open,
    }),
    head:
      parts.head === null
        ? null
        : {
            status: 200,
            reason: 'OK',
            atMs: begun + 50,
            framing: 'chunked',
            contentLength: null,
            contentType: 'text/event-stream',
            contentEncoding: null,
            headers: [],
            ...parts.head,
          },
    close:
      parts.close === null
        ? null
        : {
            atMs: (last ?? begun + 60) + 1,
            endBy: null,
            endPhase: 'done',
            failure: null,
            statusSent: parts.head?.status ?? 200,
            requestEndAtMs: begun,
            dispatchedAtMs: begun + 2,
            connectedAtMs: begun + 3,
            firstByteAtMs: first,
            lastByteAtMs: last,
            requestBytes: request.size,
            responseBytes: response.size,
            requestSha256: null,
            responseSha256: null,
            upstreamComplete: true,
            masked: false,
            ...parts.close,
          },
    request,
    response,
  }
}

const utf8 = (text: string | Uint8Array): Uint8Array =>
  typeof text === 'string' ? new TextEncoder().encode(text) : text

function bodyOf(body: string | Uint8Array | Body): Body {
  if (typeof body === 'object' && 'pieces' in body) return body
  const bytes = utf8(body)
  return { pieces: bytes.length > 0 ? [{ offset: 0, atMs: begun, bytes }] : [], size: bytes.length, whole: true }
}

function piecesOf(pieces: readonly (readonly [ms: number, text: string | Uint8Array])[]): Body {
  let offset = 0
  const made = pieces.map(([ms, text]) => {
    const bytes = utf8(text)
    const piece = { offset, atMs: begun + ms, bytes }
    offset += bytes.length
    return piece
  })
  return { pieces: made, size: offset, whole: true }
}

/** What a decoder says, built with the collector that decoders use. */
export function decodedOf(fill: (answer: Answer) => void): Decoded {
  const answer = new Answer()
  fill(answer)
  return answer.result()
}

export function anObserved(
  parts: Partial<Omit<Observed, 'request'>> & { request?: Partial<RequestFacts> } = {},
): Observed {
  return {
    operation: 'chat',
    format: 'openai-chat',
    decoded: null,
    framing: 'sse',
    events: { events: 0, content_events: 0, bad_events: 0, comments: 0 },
    readWhole: true,
    notes: [],
    parseNote: null,
    requestHoldsSecret: false,
    responseHoldsSecret: false,
    ...parts,
    request: { ...noFacts, model: 'gpt-4o-mini', ...parts.request },
  }
}
