import type { HeaderPairs } from '../records/exchange.ts'
import { headerValue } from '../records/header-value.ts'

export { headerValue }

/** Names under which vendors send the id of a request, best first (wire-formats 12). */
const requestIds = [
  'x-request-id',
  'request-id',
  'apim-request-id',
  'x-generation-id',
  'x-ms-request-id',
  'x-ms-client-request-id',
  'mistral-correlation-id',
  'x-ds-trace-id',
  'cf-ray',
]

const regions = ['x-groq-region', 'x-ms-region']
const accounts = ['openai-organization', 'anthropic-organization-id']

export const upstreamRequestId = (headers: HeaderPairs): string | null => firstOf(headers, requestIds)

/** Where the vendor served the call. */
export const upstreamRegion = (headers: HeaderPairs): string | null => firstOf(headers, regions)

/** The account that the vendor counted the call to. */
export const upstreamAccount = (headers: HeaderPairs): string | null => firstOf(headers, accounts)

const firstOf = (headers: HeaderPairs, names: readonly string[]): string | null =>
  names.map((name) => headerValue(headers, name)).find((value) => value !== null) ?? null

/** Whether the vendor advises the client's SDK to try again. */
export function retryAdvised(headers: HeaderPairs): boolean | null {
  const text = headerValue(headers, 'x-should-retry')
  return text === 'true' ? true : text === 'false' ? false : null
}

/** The server's own time to the first token. */
export function providerTtftMs(headers: HeaderPairs): number | null {
  const seconds = headerValue(headers, 'fireworks-server-time-to-first-token')
  return seconds !== null && /^\d+(\.\d+)?$/.test(seconds) ? Math.round(Number(seconds) * 1e6) / 1000 : null
}

const rateLimit = /^(x-ratelimit-|anthropic-ratelimit-|ratelimit-|x-tokenlimit-|retry-after(-ms)?$|x-should-retry$)/

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
