import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { routePath } from 'hono/route'
import { createAccess, type Identity, Misplaced } from '../access/credentials.ts'
import { ApiError, notFound } from './api-error.ts'
import { ownPaths } from './own-paths.ts'
import type { ApiParts } from './parts.ts'
import type { AccessLevel, ApiContext, ApiRoute } from './route.ts'
import { apiRoutes } from './routes/index.ts'

export type Api = Hono<{ Bindings: HttpBindings }>

/** Everything that is not proxied: who asks is settled first, then what is asked, then the answer. */
export function createApi(parts: ApiParts): Api {
  const access = createAccess(parts)
  const routes = apiRoutes(parts.version, parts.clock.mono())
  const app: Api = new Hono<{ Bindings: HttpBindings }>({ strict: false })

  app.use(async (context, next) => {
    await next()
    context.header('cache-control', 'no-store')
    context.header('x-content-type-options', 'nosniff')
  })
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
    for (const route of ofPath)
      app.on(route.method, pattern, (context) => {
        return route.answer(context, parts, admitted(context, route.access))
      })
    app.all(pattern, (context) => {
      throw wrongMethod(context.req.method, path, ofPath)
    })
  }
  app.notFound((context) => answerError(context, absent(pathOf(context), routes)))
  app.onError((error, context) => answerError(context, asApiError(error, context)))
  return app

  function admitted(context: ApiContext, level: AccessLevel): Identity | null {
    const { headers, url } = context.env.incoming
    if (level === 'public' || (level === 'scraper' && access.isScraper(headers))) return null
    const identity = access.identify(headers, url ?? '/')
    if (identity?.kind === 'admin') return level === 'scraper' ? null : identity
    if (level === 'scraper')
      throw new ApiError(
        401,
        'missing_token',
        'present the metrics token or the admin token: Authorization: Bearer …',
        challenge,
      )
    if (identity !== null && level === 'admin')
      throw new ApiError(403, 'admin_only', 'this is for the admin token; a key sees the calls made with it')
    if (identity !== null) return identity
    throw new ApiError(
      401,
      'missing_key',
      'present the admin token, or any key that calls are made with: Authorization: Bearer …',
      challenge,
    )
  }

  function asApiError(error: Error, context: ApiContext): ApiError {
    if (error instanceof ApiError) return error
    if (error instanceof Misplaced) return new ApiError(401, 'misplaced_token', error.message, challenge)
    parts.failed(error, routePath(context))
    return new ApiError(500, 'internal_error', 'something of ours failed; the log has more')
  }
}

const challenge = { headers: { 'www-authenticate': 'Bearer realm="sightglass"' } }

function answerError(context: ApiContext, error: ApiError): Response {
  return context.json(error.body(), error.status, { ...error.headers })
}

function wrongMethod(method: string, path: string, routes: readonly ApiRoute[]): ApiError {
  const methods = routes.map((route) => route.method)
  const allow = methods.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', ')
  return new ApiError(405, 'method_not_allowed', `${path} takes ${methods.join(' and ')}, not ${method}`, {
    headers: { allow },
  })
}

const pathOf = (context: ApiContext): string => (context.env.incoming.url ?? '/').split('?', 1)[0]!.slice(0, 200)

function absent(path: string, routes: readonly ApiRoute[]): ApiError {
  const place = ownPaths.find((own) => path === own || path.startsWith(`${own}/`))
  const built = routes.some((route) => route.path === place || route.path.startsWith(`${place}/`))
  if (place === undefined || built) return notFound(`nothing is at ${path}`)
  return new ApiError(404, 'not_built', `${place} is not built yet`)
}
