import type { Operation } from '../records/outcome.ts'
import type { Provider } from '../records/provider.ts'
import { routeAt } from '../records/provider-routes.ts'
import type { DecodeHints, Format } from './decoder.ts'
import { formats } from './index.ts'

export interface FoundRoute {
  operation: Operation
  format: Format | null
  hints: DecodeHints
  /** The model that the path names (`{model}` in the route's pattern). */
  model: string | null
  /** The call fetches an answer that another one asked for. */
  fetches: boolean
}

/** What a call is, by its provider's routes. `path` may carry a query. The first matching route wins. */
export function findRoute(method: string, path: string, provider: Provider | undefined): FoundRoute {
  const bare = path.split(/[?#]/, 1)[0]!
  const found = routeAt(method, bare, provider) ?? (method === 'HEAD' ? routeAt('GET', bare, provider) : undefined)
  const route = found?.route
  const format = method !== 'OPTIONS' && route?.format ? (formats.get(route.format) ?? null) : null
  return {
    operation: method === 'OPTIONS' ? 'preflight' : (format?.operation ?? route?.operation ?? 'other'),
    format,
    hints: { ...provider?.hints, ...route?.hints },
    model: found?.model ?? null,
    fetches: route?.fetches === true,
  }
}
