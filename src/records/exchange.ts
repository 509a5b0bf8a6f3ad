import type { SecretHint } from '../lib/secret-scan.ts'
import type { EndBy, Phase } from './outcome.ts'

export type { SecretHint }

/**
 * One call with its bytes and times, as the data plane wrote it into the journal and the recorder reads it back.
 * All `…Ms` marks named `at…` are milliseconds on the monotonic clock of the epoch that wrote them: only differences mean
 * something. `wallMs` is Unix time.
 */
export interface Exchange {
  open: ExchangeOpen
  /** Null when the upstream gave no answer (or none was journalled before the process died). */
  head: ExchangeHead | null
  /** Null when the epoch died before the exchange ended: the record's outcome is `interrupted`. */
  close: ExchangeClose | null
  request: Body
  response: Body
}

/** Raw header fields in order and case as received, only those worth keeping (`proxy/kept-headers.ts`). Never a secret. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** `full`: bytes are kept. `metadata`: bytes live in the journal until metered. `off`: never written. */
export type Capture = 'full' | 'metadata' | 'off'

export interface ExchangeOpen {
  /** UUIDv7, made once; `_id` in every sink and the answer's `x-sightglass-id`. */
  id: string
  wallMs: number
  /** The request's head was received. */
  atMs: number
  method: string
  /** The target as the client sent it (secrets masked), for people. */
  target: string
  /** The path and query as sent upstream (secrets masked), without the base path of the upstream. */
  path: string
  provider: string
  upstream: string
  /** Origin of the upstream, `https://host[:port]`. */
  origin: string
  httpVersion: string
  clientIp: string
  requestHeaders: HeaderPairs
  context: CallContext
  /** Keyed hash of the credential the client presented, or null when it sent none. */
  keyFingerprint: string | null
  /** Readable name of that key from the settings, if it has one. */
  keyName: string | null
  captureRequest: Capture
  captureResponse: Capture
  /** Something of the call's own secrets stood in its path, headers or body and was masked at the same length. */
  masked: boolean
  /** Rolling hashes by which the recorder finds the call's secrets in bodies it had to decompress (`lib/secret-scan.ts`). */
  secretHints: readonly SecretHint[]
  notes: readonly string[]
}

/** Who is calling, from our context headers, the path and the settings. */
export interface CallContext {
  project: string
  organisation: string | null
  user: string | null
  experiment: string | null
  session: string | null
  environment: string | null
  traceparent: string | null
}

export interface ExchangeHead {
  status: number
  reason: string
  atMs: number
  /** How the upstream framed its message. */
  framing: 'length' | 'chunked' | 'close' | 'none'
  contentLength: number | null
  contentType: string | null
  contentEncoding: string | null
  headers: HeaderPairs
  /** The answer is one to a request to which the question for its usage was added. */
  usageAsked?: true
}

export interface ExchangeClose {
  atMs: number
  /** Null: both sides ended cleanly. */
  endBy: EndBy | null
  endPhase: Phase
  /** Our code for a failed upstream call or a refusal (`upstream_refused` …) and its message without secrets. */
  failure: { code: string; message: string } | null
  /** Status the client was sent: the upstream's, ours (502, 504 …), or null when it got none. */
  statusSent: number | null
  /** The request's last byte was received. Null: it never was. */
  requestEndAtMs: number | null
  /** The request was handed to the upstream's dispatcher. Null: it never was. */
  dispatchedAtMs: number | null
  /** undici began to write the request on a connected socket. Null: unknown. */
  connectedAtMs: number | null
  /** First and last byte of the answer's body, as received from the upstream. */
  firstByteAtMs: number | null
  lastByteAtMs: number | null
  requestBytes: number
  responseBytes: number
  /** SHA-256 (hex) of the bytes as received, set by the data plane only where the journal does not hold them all. */
  requestSha256: string | null
  responseSha256: string | null
  /** The upstream's message reached its own end by its own framing. */
  upstreamComplete: boolean
  /** Content found on the way that was masked after OPEN was written. */
  masked: boolean
  /** Bytes of the answer that the client was not sent, because they are there only for that question. */
  withheldBytes?: number
  /** What people should know of how the call was kept. */
  notes?: readonly string[]
}

/** The bytes of one direction, in order. */
export interface Body {
  pieces: readonly Piece[]
  /** Bytes that passed, whether or not they are all in `pieces`. */
  size: number
  /** False: the middle is missing (more than the journal's limit passed) or nothing was captured. */
  whole: boolean
}

/** Bytes that arrived together. `offset` is their place in the body; a jump between pieces is a gap. */
export interface Piece {
  offset: number
  atMs: number
  bytes: Uint8Array
}
