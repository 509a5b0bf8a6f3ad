import type { Provider } from './provider.ts'

type Paths = Pick<Provider, 'apiPrefix' | 'movedPaths'>

/** Where a provider has what a client asks for: at a path of its own, below its prefix, or there. `path` may carry a query. */
export function providerPath({ apiPrefix, movedPaths }: Paths, path: string): string {
  for (const [from, to] of Object.entries(movedPaths ?? {})) {
    const moved = renamed(path, from, to)
    if (moved !== null) return moved
  }
  return apiPrefix && path.startsWith('/v1/') ? `${apiPrefix}${path}` : path
}

/** The same path as a client of OpenAI's API writes it, so that another provider understands it. */
export function usualPath({ apiPrefix, movedPaths }: Paths, path: string): string {
  for (const [from, to] of Object.entries(movedPaths ?? {})) {
    const usual = renamed(path, to, from)
    if (usual !== null) return usual
  }
  return apiPrefix && path.startsWith(`${apiPrefix}/v1/`) ? path.slice(apiPrefix.length) : path
}

/** Null: the path is another one. */
function renamed(path: string, from: string, to: string): string | null {
  if (from.endsWith('*')) {
    const start = from.slice(0, -1)
    return path.startsWith(start) ? `${to.slice(0, -1)}${path.slice(start.length)}` : null
  }
  return path === from || path.startsWith(`${from}?`) ? `${to}${path.slice(from.length)}` : null
}
