import type { Provider, ProviderRoute } from './provider.ts'

/** The first of a provider's routes that a call takes, and the model that its path names. `path` has no query. */
export function routeAt(
  method: string,
  path: string,
  provider: Pick<Provider, 'routes'> | undefined,
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
