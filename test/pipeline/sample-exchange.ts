import type { Exchange } from '../../src/records/exchange.ts'
import { anExchange } from '../meter/exchange.ts'
import type { Sample } from '../support/samples.ts'

/** A recorded exchange as the pipeline gets it from the journal. */
export function exchangeOfSample(sample: Sample): Exchange {
  const { request, response } = sample
  const type = (pairs: readonly (readonly [string, string])[], wanted: string): string | null =>
    pairs.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null
  return anExchange({
    open: {
      method: request.method,
      path: request.path,
      target: request.path,
      provider: sample.provider,
      upstream: sample.provider,
      requestHeaders: request.headers,
    },
    request: request.body,
    response: response.pieces,
    head: {
      status: response.status,
      reason: response.reason,
      headers: response.headers,
      contentType: type(response.headers, 'content-type'),
      contentEncoding: type(response.headers, 'content-encoding'),
    },
    close: {
      statusSent: response.status,
      ...(response.cut ? { endBy: 'upstream', endPhase: 'data', upstreamComplete: false } : {}),
    },
  })
}
