import type { IncomingMessage } from 'node:http'
import type { Claim, Provider } from '../records/provider.ts'
import { providerPath } from '../records/provider-paths.ts'
import type { Refusal } from './checks.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

/** Where a request goes: to an upstream, to ourselves, or nowhere (`refusal`). */
export type Route =
  | { to: 'upstream'; upstream: Upstream; path: string; project: string | null; greeting: boolean }
  | { to: 'self' }
  | { to: 'refusal'; refusal: Refusal; project: string | null }

export interface RouterParts {
  upstreams: Upstreams
  defaultUpstream: string
  /** Paths that are ours: exactly one of these, or below it. */
  ownPaths: readonly string[]
  /** For the advice in error messages. */
  address: () => string
}

/** The order: path prefixes, our own paths, `x-provider`, the paths of a format, the default (design 4). */
export function createRouter(parts: RouterParts): (request: IncomingMessage) => Route {
  const own = new Set(parts.ownPaths)
  const claims = parts.upstreams
    .all()
    .filter((upstream) => upstream.name === upstream.provider.id)
    .flatMap((upstream) => (upstream.provider.claims ?? []).map((claim) => ({ upstream, claim })))

  return function route(request) {
    let path = request.url ?? '/'
    let project: string | null = null
    const inProject = /^\/p\/([^/?]*)(\/[^?]*|)(\?.*)?$/.exec(path)
    if (inProject) {
      project = inProject[1]!
      path = `${inProject[2] || '/'}${inProject[3] ?? ''}`
    }

    const named = /^\/([^/?]+)(\/[^?]*|)(\?.*)?$/.exec(path)
    const byPath = named && parts.upstreams.get(named[1]!.toLowerCase())
    if (byPath) return to(byPath, `${named[2] || '/'}${named[3] ?? ''}`, project)
    const unset = named && parts.upstreams.withoutUrl(named[1]!.toLowerCase())
    if (unset) return refusal(project, withoutUrl(unset))

    const bare = withoutQuery(path)
    if (isOwn(bare, own)) return project === null ? { to: 'self' } : refusal(project, ownInProject(bare))

    const asked = request.headers['x-provider']
    if (typeof asked === 'string') {
      const name = asked.trim().toLowerCase()
      const upstream = parts.upstreams.get(name)
      if (upstream) return to(upstream, path, project)
      const unset = parts.upstreams.withoutUrl(name)
      return refusal(project, unset ? withoutUrl(unset) : unknownProvider(asked, parts.upstreams))
    }

    for (const { upstream, claim } of claims) if (claimed(claim, bare, request)) return to(upstream, path, project)

    if (bare === '/') {
      const ollama = request.method === 'GET' && !acceptsHtml(request) ? parts.upstreams.get('ollama') : undefined
      return ollama ? { ...to(ollama, path, project), greeting: true } : { to: 'self' }
    }
    const advice = misplacedVersion(bare, parts.address)
    if (advice) return refusal(project, advice)
    const fallback = parts.upstreams.get(parts.defaultUpstream)
    if (fallback && bare.startsWith('/v1/')) return to(fallback, path, project)
    const unsetDefault = parts.upstreams.withoutUrl(parts.defaultUpstream)
    if (unsetDefault && bare.startsWith('/v1/')) return refusal(project, withoutUrl(unsetDefault))
    return project === null ? { to: 'self' } : refusal(project, nothingThere(bare))
  }
}

const to = (upstream: Upstream, path: string, project: string | null): Route & { to: 'upstream' } => ({
  to: 'upstream',
  upstream,
  path: providerPath(upstream.provider, path),
  project,
  greeting: false,
})

const refusal = (project: string | null, reason: Refusal): Route => ({ to: 'refusal', refusal: reason, project })

function withoutQuery(path: string): string {
  const query = path.indexOf('?')
  return query < 0 ? path : path.slice(0, query)
}

/** `/usage` and `/usage/self`, not `/usages`; `/api/v1/…` is ours, `/api/chat` is not. */
function isOwn(path: string, own: ReadonlySet<string>): boolean {
  if (own.has(path)) return true
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1))
    if (own.has(path.slice(0, slash))) return true
  return false
}

function claimed(claim: Claim, path: string, request: IncomingMessage): boolean {
  if (claim.methods && !claim.methods.includes(request.method ?? '')) return false
  if (claim.header && request.headers[claim.header] === undefined) return false
  return claim.paths.some((pattern) => matches(pattern, path))
}

/** A path of a claim: exact, or with `*` at its end for any rest. */
function matches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}

const acceptsHtml = (request: IncomingMessage): boolean => (request.headers.accept ?? '').includes('text/html')

const versionless =
  /^\/(?:chat\/completions|completions|embeddings|responses|images\/|audio\/|moderations|files|batches)/

/** Advice for the two base URLs that people get wrong. */
function misplacedVersion(path: string, address: () => string): Refusal | null {
  if (versionless.test(path))
    return {
      status: 404,
      code: 'base_url_without_v1',
      message: `there is no ${path} here: the base URL lacks /v1. Set OPENAI_BASE_URL=${address()}/v1`,
    }
  if (path.startsWith('/v1/v1/'))
    return {
      status: 404,
      code: 'base_url_with_v1',
      message: `there is no ${path} here: the client adds /v1 itself. Set the base URL to ${address()} (ANTHROPIC_BASE_URL=${address()})`,
    }
  return null
}

function unknownProvider(asked: string, upstreams: Upstreams): Refusal {
  const known = upstreams
    .all()
    .map(({ name }) => name)
    .join(', ')
  return {
    status: 400,
    code: 'unknown_provider',
    message: `x-provider: ${asked.slice(0, 80)} is not known; known are ${known}`,
  }
}

function withoutUrl({ id, name, urlLike }: Provider): Refusal {
  const like = urlLike === undefined ? '' : `, such as ${urlLike}`
  const variable = `UPSTREAM_${id.toUpperCase().replaceAll('-', '_')}`
  return {
    status: 404,
    code: 'upstream_without_url',
    message: `${name} has another address for each customer: say yours by ${variable} or by upstreams.${id}.url in the settings${like}`,
  }
}

const ownInProject = (path: string): Refusal => ({
  status: 404,
  code: 'not_found',
  message: `${path} belongs to the proxy itself: ask for it without /p/{project}`,
})

const nothingThere = (path: string): Refusal => ({
  status: 404,
  code: 'not_found',
  message: `nothing is at ${path}: calls begin with /v1/, /api/ or the name of an upstream`,
})
