import fc from 'fast-check'
import { afterAll, describe, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import type { TokenCounter } from '../../src/meter/metered.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import { rawRecord, recordMaker } from '../../src/pipeline/records.ts'
import { outcomes } from '../../src/records/outcome.ts'
import { anExchange, begun } from '../meter/exchange.ts'
import { loadSamples } from '../support/samples.ts'

const providers = await loadProviders()
const counter: TokenCounter = {
  count: async (_encoding, texts) => texts.map((text) => Math.ceil(text.length / 4)),
  close: async () => {},
}
afterAll(() => counter.close())
const parts = {
  instance: 'i',
  providers,
  prices: loadPrices(),
  tokens: counter,
  pepper: 'pepper',
  bodyLimitBytes: 1024,
  projectNames: new Map<string, string>(),
}
const record = recordMaker(parts)

const routes = [...providers.values()].flatMap(({ id, routes }) =>
  routes.map(({ method, path }) => ({ provider: id, method: method === '*' ? 'POST' : method, path })),
)
const samples = loadSamples()
const words = [
  '{"usage":',
  'data: ',
  '\n\n',
  '\n',
  '[DONE]',
  '"choices":[{',
  '"model":',
  '1e400',
  '-5',
  '}]',
  '}',
  '"',
  ':',
  'null',
]
const someBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
  // a real answer, damaged in one place
  fc.tuple(fc.nat(samples.length - 1), fc.nat(), fc.nat(255)).map(([place, at, byte]) => {
    const bytes = Buffer.concat(samples[place]!.response.pieces.map(([, piece]) => piece))
    if (bytes.length > 0) bytes[at % bytes.length] = byte
    return bytes
  }),
)
const someExchange = fc
  .record({
    route: fc.constantFrom(...routes),
    request: someBytes,
    response: someBytes,
    status: fc.constantFrom(200, 204, 301, 400, 429, 500),
    contentType: fc.constantFrom('text/event-stream', 'application/json', 'application/x-ndjson', 'text/html', null),
    contentEncoding: fc.constantFrom(null, null, 'gzip', 'br', 'zstd'),
    endBy: fc.constantFrom(null, 'client' as const, 'upstream' as const, 'proxy' as const),
    closed: fc.boolean(),
    headed: fc.boolean(),
    capture: fc.constantFrom('full' as const, 'metadata' as const, 'off' as const),
  })
  .map(({ route, request, response, status, contentType, contentEncoding, endBy, closed, headed, capture }) =>
    anExchange({
      open: { ...route, upstream: route.provider, captureRequest: capture, captureResponse: capture },
      head: headed ? { status, contentType, contentEncoding } : null,
      close: closed ? { endBy, upstreamComplete: endBy === null } : null,
      request,
      response: headed ? [[begun, response]] : [],
    }),
  )

describe('whatever the bytes are', () => {
  it('there is a record, its numbers are none or true to each other, and it survives JSON', async () => {
    await fc.assert(
      fc.asyncProperty(someExchange, async (exchange) => {
        const { telemetry, run, requestBytes } = await record(exchange)
        const { metadata } = telemetry
        const claims = [
          (outcomes as readonly string[]).includes(metadata.outcome),
          metadata.success === run.success,
          metadata.success || metadata.error_message !== null,
          metadata.request_size === exchange.request.size,
          metadata.latency_ms >= 0,
          run.prompt_tokens === metadata.prompt_tokens && run.cost_usd === metadata.cost_usd,
          metadata.cost_picodollars === null || /^\d+$/.test(metadata.cost_picodollars),
          // pictures are counted, whether or not anybody told of tokens
          metadata.token_source !== 'none' || (metadata.prompt_tokens ?? metadata.completion_tokens) === null,
          (requestBytes?.length ?? 0) <= parts.bodyLimitBytes,
          exchange.open.captureRequest === 'full' || (requestBytes === null && run.prompt === null),
          JSON.stringify(JSON.parse(JSON.stringify({ telemetry, run }))) === JSON.stringify({ telemetry, run }),
        ]
        const broken = claims.indexOf(false)
        if (broken >= 0) throw new Error(`claim ${broken} does not hold: ${JSON.stringify(metadata)}`)
      }),
      { numRuns: 400 },
    )
  })

  it('there is a raw record', () => {
    fc.assert(
      fc.property(someExchange, fc.anything(), (exchange, error) => {
        const made = rawRecord(exchange, error, parts)
        if (made.telemetry._id !== exchange.open.id) throw new Error('another id')
      }),
      { numRuns: 200 },
    )
  })
})
