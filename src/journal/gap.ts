import type { ExchangeClose, ExchangeOpen } from '../records/exchange.ts'

/**
 * The record of a time in which calls were counted and not recorded. It is opened when the time begins, so that a process that
 * dies meanwhile leaves it behind as interrupted.
 */
export function gapOpen(id: string, wallMs: number, atMs: number): ExchangeOpen {
  return {
    id,
    wallMs,
    atMs,
    method: 'GAP',
    target: '',
    path: '',
    provider: 'sightglass',
    upstream: 'sightglass',
    origin: '',
    httpVersion: '1.1',
    clientIp: '',
    requestHeaders: [],
    context: {
      project: 'default',
      organisation: null,
      user: null,
      experiment: null,
      session: null,
      environment: null,
      traceparent: null,
    },
    keyFingerprint: null,
    keyName: null,
    captureRequest: 'full',
    captureResponse: 'full',
    masked: false,
    secretHints: [],
    notes: [
      'a gap: from here on calls were served and not recorded, because the disk budget (journal.limit) was used up',
    ],
  }
}

export function gapClose(calls: number, fromMs: number, toMs: number, atMs: number): ExchangeClose {
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString())
  return {
    atMs,
    endBy: 'proxy',
    endPhase: 'done',
    failure: { code: 'journal_full', message: `${calls} calls were not recorded from ${from} to ${to}` },
    statusSent: null,
    requestEndAtMs: null,
    dispatchedAtMs: null,
    connectedAtMs: null,
    firstByteAtMs: null,
    lastByteAtMs: null,
    requestBytes: 0,
    responseBytes: 0,
    requestSha256: null,
    responseSha256: null,
    upstreamComplete: false,
    masked: false,
  }
}
