import type { HeaderPairs } from '../records/exchange.ts'
import { byName } from './by-name.ts'

/**
 * Header fields worth keeping in a record (wire-formats 3 and 12). A list of what is allowed, never of what is not: a field
 * that nobody thought of is not stored.
 */
const request: ReadonlySet<string> = new Set([
  'user-agent',
  'accept',
  'accept-encoding',
  'content-type',
  'content-encoding',
  'content-length',
  'openai-organization',
  'openai-project',
  'openai-beta',
  'anthropic-version',
  'anthropic-beta',
  'x-client-request-id',
  'x-request-id',
  'idempotency-key',
  'http-referer',
  'x-title',
  'traceparent',
])
const requestPrefixes = ['x-stainless-'] as const

const response: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'trailer',
  'date',
  'server',
  'server-timing',
  'x-request-id',
  'request-id',
  'apim-request-id',
  'x-ms-client-request-id',
  'x-ms-request-id',
  'x-ms-region',
  'x-generation-id',
  'cf-ray',
  'openai-processing-ms',
  'openai-organization',
  'openai-project',
  'openai-version',
  'openai-model',
  'anthropic-organization-id',
  'anthropic-workspace-id',
  'mistral-correlation-id',
  'x-ds-trace-id',
  'x-groq-region',
  'azureml-model-session',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-envoy-upstream-service-time',
  'via',
])
const responsePrefixes = ['x-ratelimit-', 'anthropic-ratelimit-', 'ratelimit-', 'x-tokenlimit-', 'fireworks-'] as const

const limits = { fields: 64, valueCharacters: 1024 }

export const keptRequestHeaders = (flat: readonly string[], mask: (text: string) => string): HeaderPairs =>
  keep(flat, requestField, mask)

export const keptResponseHeaders = (flat: readonly string[], mask: (text: string) => string): HeaderPairs =>
  keep(flat, responseField, mask)

/** A field's name as it is kept; empty for one that is not. */
const keptName = (names: ReadonlySet<string>, prefixes: readonly string[]) =>
  byName((lower) => (names.has(lower) || prefixes.some((prefix) => lower.startsWith(prefix)) ? lower : ''))

const requestField = keptName(request, requestPrefixes)
const responseField = keptName(response, responsePrefixes)

function keep(flat: readonly string[], nameOf: (name: string) => string, mask: (text: string) => string): HeaderPairs {
  const kept: [string, string][] = []
  for (let place = 0; place < flat.length && kept.length < limits.fields; place += 2) {
    const name = nameOf(flat[place]!)
    if (name === '') continue
    kept.push([name, mask(flat[place + 1]!.slice(0, limits.valueCharacters))])
  }
  return kept
}
