import type { ExchangeOpen } from '../../src/records/exchange.ts'

/** How an ordinary call begins, but for what is said otherwise. */
export const anOpen = (parts: Partial<ExchangeOpen> = {}): ExchangeOpen => ({
  id: '01930000-0000-7000-8000-000000000000',
  wallMs: Date.UTC(2026, 9, 27, 12),
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
  ...parts,
})
