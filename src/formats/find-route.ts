import type { Operation } from '../records/outcome.ts'
import type { Provider, ProviderRoute } from '../records/provider.ts'
import type { DecodeHints, Format } from './decoder.ts'
import { formats } from './index.ts'

export interface FoundRoute {
  operation: Operation
  format: Format | null
  hints: DecodeHints
}

/** What a call is, by its provider's routes. `path` may carry a query. The first matching route wins. */
export function findRoute(method: string, path: string, provider: Provider | undefined): FoundRoute {
  const bare = path.split(/[?#]/, 1)[0]!
  const route = matching(method, bare, provider) ?? (method === 'HEAD' ? matching('GET', bare, provider) : undefined)
  const format = route?.format ? (formats.get(route.format) ?? null) : null
  const operation = method === 'OPTIONS' ? 'preflight' : (format?.operation ?? route?.operation ?? 'other')
  return { operation, format: method === 'OPTIONS' ? null : format, hints: { ...provider?.hints, ...route?.hints } }
}

function matching(method: string, path: string, provider: Provider | undefined): ProviderRoute | undefined {
  return provider?.routes.find(
    (route) => (route.method === '*' || route.method === method) && matches(route.path, path),
  )
}

const matches = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
