import type { Body, Exchange, ExchangeClose, Piece } from '../records/exchange.ts'
import { stringAt } from '../records/json.ts'
import type { RunRecord } from '../records/llm-run.ts'
import type { TelemetryRecord } from '../records/telemetry.ts'

/** A record with its kept bytes as they were on the wire; null where none are kept. */
export interface KeptCall {
  telemetry: TelemetryRecord
  run: RunRecord
  requestBytes: Uint8Array | null
  responseBytes: Uint8Array | null
  /** Pairs of (milliseconds since accepted, offset of the piece's end). */
  chunkTimes: readonly (readonly [number, number])[] | null
  /** Why kept bytes could not be unpacked. */
  unreadable?: Readonly<Partial<Record<'request' | 'response', string>>>
}

/** A recorded call as the recorder had it, as far as its record tells; what it does not tell is not made up. */
export interface StoredExchange {
  exchange: Exchange
  /** All bytes of the body are kept. */
  requestWhole: boolean
  responseWhole: boolean
  /** The arrival of each piece of the answer is known. */
  timed: boolean
}

/** `upstreamComplete`: the answer's message reached its own end. A record tells it by who ended the call, but for some cuts. */
export function exchangeOf(call: KeptCall, upstreamComplete: boolean): StoredExchange {
  const { telemetry, run } = call
  const { metadata } = telemetry
  const request = bodyOf(call.requestBytes, metadata.request_size, null)
  const times = timesOf(call)
  const response = bodyOf(call.responseBytes, metadata.response_size, times)
  const region = metadata.price_terms?.conditions.find((condition) => condition.startsWith('region:'))?.slice(7)
  return {
    exchange: {
      open: {
        id: telemetry._id,
        wallMs: telemetry.timestamp_ms,
        atMs: 0,
        method: metadata.method,
        target: metadata.endpoint,
        path: pathOf(call),
        provider: metadata.provider,
        upstream: metadata.upstream,
        origin: region === undefined ? '' : `https://${region}.api.`,
        httpVersion: metadata.http_version,
        clientIp: telemetry.client_ip,
        requestHeaders: run.request_headers,
        context: {
          project: metadata.project_id,
          organisation: metadata.organisation_id,
          user: metadata.user_id,
          experiment: metadata.experiment_id,
          session: metadata.session_id,
          environment: metadata.environment,
          traceparent: metadata.traceparent,
        },
        keyFingerprint: metadata.key_id,
        keyName: metadata.key_name,
        captureRequest: metadata.capture_request,
        captureResponse: metadata.capture_response,
        masked: metadata.masked,
        secretHints: [],
        notes: [],
      },
      head: headOf(call),
      close: metadata.outcome === 'interrupted' ? null : closeOf(call, upstreamComplete),
      request,
      response,
    },
    requestWhole: request.whole,
    responseWhole: response.whole,
    timed: times !== null,
  }
}

/** Of the query only what parameters tell of it is kept. */
function pathOf({ telemetry: { metadata }, run }: KeptCall): string {
  const version = stringAt(run.parameters, 'api_version')
  return version === null ? metadata.endpoint : `${metadata.endpoint}?api-version=${version}`
}

function headOf({ telemetry: { metadata }, run }: KeptCall): Exchange['head'] {
  if (metadata.upstream_status === null) return null
  const told = /^the upstream answered \d+ (.*)$/.exec(metadata.error_message ?? '')?.[1]
  return {
    status: metadata.upstream_status,
    reason: told ?? '',
    atMs: metadata.ttfb_ms ?? 0,
    framing: 'none',
    contentLength: null,
    contentType: metadata.content_type,
    contentEncoding: metadata.content_encoding,
    headers: run.response_headers,
  }
}

function closeOf({ telemetry: { metadata } }: KeptCall, upstreamComplete: boolean): ExchangeClose {
  return {
    atMs: metadata.latency_ms,
    endBy: metadata.end_by,
    endPhase: metadata.end_phase,
    failure: null,
    statusSent: metadata.status_code === 0 ? null : metadata.status_code,
    requestEndAtMs: null,
    dispatchedAtMs: null,
    connectedAtMs: null,
    firstByteAtMs: null,
    lastByteAtMs: null,
    requestBytes: metadata.request_size,
    responseBytes: metadata.response_size,
    requestSha256: null,
    responseSha256: null,
    upstreamComplete,
    masked: metadata.masked,
  }
}

type Times = NonNullable<KeptCall['chunkTimes']>

/** Null where they do not cover the body from its beginning to its end. */
function timesOf({ telemetry: { metadata }, responseBytes, chunkTimes }: KeptCall): Times | null {
  if (chunkTimes === null || responseBytes === null) return null
  const grows = chunkTimes.every(([, end], place) => end > (chunkTimes[place - 1]?.[1] ?? 0))
  return grows && chunkTimes.at(-1)?.[1] === metadata.response_size ? chunkTimes : null
}

function bodyOf(bytes: Uint8Array | null, size: number, times: Times | null): Body {
  const kept = bytes?.length ?? 0
  const whole = kept === size
  if (bytes === null || kept === 0) return { pieces: [], size, whole }
  if (times === null || !whole) return { pieces: [{ offset: 0, atMs: 0, bytes }], size, whole }
  const pieces = times.map(([atMs, end], place): Piece => {
    const offset = times[place - 1]?.[1] ?? 0
    return { offset, atMs, bytes: bytes.subarray(offset, end) }
  })
  return { pieces, size, whole }
}
