import type { Body, Exchange, HeaderPairs, Piece } from '../../src/records/exchange.ts'
import type { Provider } from '../../src/records/provider.ts'
import { anOpen } from '../support/exchange-open.ts'
import type { Sample } from '../support/samples.ts'

/** One exchange as it stood on the wire, and what must come out of it. */
export interface FormatSample {
  name: string
  provider: Provider | undefined
  request: { method: string; path: string; headers: HeaderPairs; body: string | Uint8Array }
  response: {
    status: number
    headers: HeaderPairs
    /** Milliseconds since the request was sent, and the bytes that arrived then. */
    pieces: readonly (readonly [ms: number, bytes: string | Uint8Array])[]
    /** False: the connection broke. Default: the message came to its own end. */
    complete?: boolean
  }
  /** Part of the `Observed` that must come out; compared with `toMatchObject`. */
  expect: object
}

export const startMs = 1000

/** A sample of a provider's folder; each piece arrives at a time of its own, so that a time names its piece. */
export function asFormatSample(sample: Sample, provider: Provider | undefined): FormatSample {
  const { name, response, request } = sample
  return {
    name,
    provider,
    request,
    response: {
      ...response,
      pieces: response.pieces.map(([, bytes], index) => [index, bytes]),
      complete: !response.cut,
    },
    expect: { operation: sample.expect?.operation },
  }
}

/** The exchange as the journal would give it back; `change` replaces what a test varies. */
export function exchangeOf(
  sample: FormatSample,
  change: { pieces?: readonly Piece[]; coding?: string } = {},
): Exchange {
  const { request, response } = sample
  const sent = Buffer.from(request.body)
  const pieces = change.pieces ?? piecesOf(sample)
  const headers = change.coding
    ? [...without(response.headers, 'content-encoding'), ['Content-Encoding', change.coding] as const]
    : response.headers
  const complete = response.complete ?? true
  return {
    open: anOpen({
      wallMs: 1_770_000_000_000,
      atMs: startMs,
      method: request.method,
      target: request.path,
      path: request.path,
      provider: sample.provider?.id ?? 'unknown',
      upstream: sample.provider?.id ?? 'unknown',
      origin: 'http://127.0.0.1:1',
      requestHeaders: request.headers,
    }),
    head: {
      status: response.status,
      reason: '',
      atMs: startMs + 1,
      framing: 'chunked',
      contentLength: null,
      contentType: headerValue(headers, 'content-type'),
      contentEncoding: headerValue(headers, 'content-encoding'),
      headers,
    },
    close: {
      atMs: (pieces.at(-1)?.atMs ?? startMs) + 1,
      endBy: complete ? null : 'upstream',
      endPhase: complete ? 'done' : 'data',
      failure: null,
      statusSent: response.status,
      requestEndAtMs: startMs,
      dispatchedAtMs: startMs,
      connectedAtMs: startMs,
      firstByteAtMs: pieces.at(0)?.atMs ?? null,
      lastByteAtMs: pieces.at(-1)?.atMs ?? null,
      requestBytes: sent.length,
      responseBytes: sizeOf(pieces),
      requestSha256: null,
      responseSha256: null,
      upstreamComplete: complete,
      masked: false,
    },
    request: bodyOf(sent.length === 0 ? [] : [{ offset: 0, atMs: startMs, bytes: sent }]),
    response: bodyOf(pieces),
  }
}

export function piecesOf(sample: FormatSample): Piece[] {
  let offset = 0
  return sample.response.pieces.map(([ms, given]) => {
    const bytes = Buffer.from(given)
    const piece = { offset, atMs: startMs + ms, bytes }
    offset += bytes.length
    return piece
  })
}

/** The same bytes in pieces of `length`, all but the last. */
export function cutInto(bytes: Uint8Array, length: number): Piece[] {
  const pieces: Piece[] = []
  for (let offset = 0; offset < bytes.length; offset += length) {
    pieces.push({ offset, atMs: startMs + offset, bytes: bytes.subarray(offset, offset + length) })
  }
  return pieces
}

/** The same bytes in two pieces. */
export const cutAt = (bytes: Uint8Array, place: number): Piece[] => [
  { offset: 0, atMs: startMs, bytes: bytes.subarray(0, place) },
  { offset: place, atMs: startMs + 1, bytes: bytes.subarray(place) },
]

export const joined = (pieces: readonly Piece[]): Uint8Array => Buffer.concat(pieces.map((piece) => piece.bytes))

const sizeOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)

const bodyOf = (pieces: readonly Piece[]): Body => ({ pieces, size: sizeOf(pieces), whole: true })

const headerValue = (headers: HeaderPairs, name: string): string | null =>
  headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? null

const without = (headers: HeaderPairs, name: string): HeaderPairs =>
  headers.filter(([key]) => key.toLowerCase() !== name)
