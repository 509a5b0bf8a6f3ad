import type { HeaderPairs } from '../records/exchange.ts'

/** The first value of a header, by lower-case name. */
export const headerValue = (headers: HeaderPairs, wanted: string): string | null =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null

/** Names under which vendors send the id of a request, best first (wire-formats 12). */
const requestIds = [
  'x-request-id',
  'request-id',
  'apim-request-id',
  'x-generation-id',
  'x-ms-request-id',
  'x-ms-client-request-id',
  'cf-ray',
]

export const upstreamRequestId = (headers: HeaderPairs): string | null =>
  requestIds.map((name) => headerValue(headers, name)).find((value) => value !== null) ?? null

const rateLimit = /^(x-ratelimit-|anthropic-ratelimit-|retry-after(-ms)?$|x-should-retry$)/

/** What the vendor said about limits and waiting, by lower-case name, as said. Null when it said nothing. */
export function rateLimits(headers: HeaderPairs): Record<string, string> | null {
  const found = headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => rateLimit.test(name))
  return found.length > 0 ? Object.fromEntries(found) : null
}

/** How often the client's SDK had tried before. */
export function clientRetries(headers: HeaderPairs): number | null {
  const text = headerValue(headers, 'x-stainless-retry-count')
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null
}
