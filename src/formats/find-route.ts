import type { Operation } from '../records/outcome.ts'
import type { Provider, ProviderRoute } from '../records/provider.ts'
import type { DecodeHints, Format } from './decoder.ts'
import { formats } from './index.ts'

export interface FoundRoute {
  operation: Operation
  format: Format | null
  hints: DecodeHints
  /** The model that the path names (`{model}` in the route's pattern). */
  model: string | null
}

/** What a call is, by its provider's routes. `path` may carry a query. The first matching route wins. */
export function findRoute(method: string, path: string, provider: Provider | undefined): FoundRoute {
  const bare = path.split(/[?#]/, 1)[0]!
  const found = matching(method, bare, provider) ?? (method === 'HEAD' ? matching('GET', bare, provider) : undefined)
  const route = found?.route
  const format = route?.format ? (formats.get(route.format) ?? null) : null
  return {
    operation: method === 'OPTIONS' ? 'preflight' : (format?.operation ?? route?.operation ?? 'other'),
    format: method === 'OPTIONS' ? null : format,
    hints: { ...provider?.hints, ...route?.hints },
    model: found?.model ?? null,
  }
}

function matching(
  method: string,
  path: string,
  provider: Provider | undefined,
): { route: ProviderRoute; model: string | null } | undefined {
  for (const route of provider?.routes ?? []) {
    if (route.method !== '*' && route.method !== method) continue
    const match = patternOf(route.path).exec(path)
    if (match) return { route, model: match.groups?.model === undefined ? null : decoded(match.groups.model) }
  }
  return undefined
}

const patterns = new Map<string, RegExp>()

/** `*` at the end matches any rest, `{name}` a segment or a part of one. */
function patternOf(path: string): RegExp {
  let pattern = patterns.get(path)
  if (!pattern) {
    const open = path.endsWith('*')
    const parts = (open ? path.slice(0, -1) : path).split(/(\{\w+\})/).map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1]
      return name === undefined ? part.replace(/[.+?^${}()|[\]\\*]/g, '\\$&') : `(?<${name}>[^/]+)`
    })
    pattern = new RegExp(`^${parts.join('')}${open ? '' : '$'}`)
    patterns.set(path, pattern)
  }
  return pattern
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment // no percent encoding, whatever it looks like
  }
}
