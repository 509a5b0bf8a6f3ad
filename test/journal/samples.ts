import type { ExchangeClose, ExchangeHead, ExchangeOpen } from '../../src/records/exchange.ts'
import { anOpen } from '../support/exchange-open.ts'

export const openOf = (id: string): ExchangeOpen => anOpen({ id, wallMs: 1_790_000_000_000 })

export const headOf = (status = 200): ExchangeHead => ({
  status,
  reason: 'OK',
  atMs: 2,
  framing: 'chunked',
  contentLength: null,
  contentType: 'application/json',
  contentEncoding: null,
  headers: [['content-type', 'application/json']],
})

export const closeOf = (requestBytes = 0, responseBytes = 0): ExchangeClose => ({
  atMs: 9,
  endBy: null,
  endPhase: 'done',
  failure: null,
  statusSent: 200,
  requestEndAtMs: 2,
  dispatchedAtMs: 2,
  connectedAtMs: 3,
  firstByteAtMs: 4,
  lastByteAtMs: 8,
  requestBytes,
  responseBytes,
  requestSha256: null,
  responseSha256: null,
  upstreamComplete: true,
  masked: false,
})
