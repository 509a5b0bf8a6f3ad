import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { decodeFrame, type Frame } from '../../src/journal/frames.ts'
import { listSegments, readSegmentHeader, segmentHeaderBytes, segmentPath } from '../../src/journal/segments.ts'
import type { ExchangeClose, ExchangeHead, ExchangeOpen } from '../../src/records/exchange.ts'

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-journal-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Every frame of an epoch by a plain reading of the files, up to the first place that is no frame. */
export function framesIn(dir: string, epoch: string): Frame[] {
  const frames: Frame[] = []
  for (const segment of listSegments(dir, epoch)) {
    const bytes = readFileSync(segmentPath(dir, epoch, segment))
    if (bytes.length === 0) continue
    const { salt } = readSegmentHeader(bytes, `segment ${segment}`)!
    for (let at = segmentHeaderBytes; at < bytes.length; ) {
      const decoded = decodeFrame(bytes, at, bytes.length, salt)
      if (decoded.kind !== 'frame') break
      frames.push(decoded.frame)
      at += decoded.bytes
    }
  }
  return frames
}

export const openOf = (id: string): ExchangeOpen => ({
  id,
  wallMs: 1_790_000_000_000,
  atMs: 1,
  method: 'POST',
  target: '/v1/chat/completions',
  path: '/v1/chat/completions',
  provider: 'openai',
  upstream: 'openai',
  origin: 'https://api.openai.com',
  httpVersion: '1.1',
  clientIp: '127.0.0.1',
  requestHeaders: [['content-type', 'application/json']],
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
  notes: [],
})

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
