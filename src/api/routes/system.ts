import type { z } from '@hono/zod-openapi'
import { within } from '../ask.ts'
import { groupLimit, listLimit, skipLimit } from '../parameters.ts'
import type { ApiParts, ServiceStatus, SystemStatus } from '../parts.ts'
import { route } from '../route.ts'
import { health as healthAnswer, info as infoAnswer, readiness } from '../schemas/system.ts'

/** Health and readiness know only what the parts of the process say about themselves. */
export function systemRoutes(startedAtMs: number) {
  const health = route({
    path: '/health',
    access: 'public',
    summary: 'How the proxy and its parts are',
    description: 'Answers 503 when calls are no longer recorded; calls are proxied all the same.',
    answer: healthAnswer,
    errors: [503],
    async handle({ context, parts }) {
      const known = await statusOf(parts, '/health')
      const status = known === null ? 'unhealthy' : verdict(known)
      const body: z.input<typeof healthAnswer> = {
        status,
        version: parts.version,
        uptime_seconds: Math.round(parts.clock.mono() - startedAtMs) / 1_000,
        timestamp: new Date(parts.clock.wall()).toISOString(),
        services: known?.services ?? null,
        records: known?.records ?? null,
        sinks: known?.sinks ?? null,
        answered_by: known?.answeredBy ?? null,
        active_requests: known?.activeRequests ?? null,
      }
      return context.json(body, status === 'unhealthy' ? 503 : 200)
    },
  })

  const ready = route({
    path: '/ready',
    access: 'public',
    summary: 'Whether new calls are welcome',
    description: 'Answers 503 before the start is complete and while draining.',
    answer: readiness,
    errors: [503],
    async handle({ context, parts }) {
      const isReady = parts.ready()
      return context.json({ ready: isReady }, isReady ? 200 : 503)
    },
  })

  const info = route({
    path: '/info',
    access: 'key',
    summary: 'Who asks, and which limits hold',
    answer: infoAnswer,
    async handle({ identity, parts }) {
      const id = identity.kind === 'key' ? identity.keyId : null
      const key = id === null ? undefined : parts.settings.keys[id]
      const known = await statusOf(parts, '/info')
      return {
        service: 'sightglass',
        version: parts.version,
        timestamp: new Date(parts.clock.wall()).toISOString(),
        token_type: identity.kind,
        key_id: id,
        key_name: key?.name ?? null,
        project_id: key?.project ?? null,
        database: parts.store.name,
        active_requests: known?.activeRequests ?? null,
        max_concurrency: null,
        limits: {
          body_limit_bytes: parts.settings.bodyLimitBytes,
          journal_body_limit_bytes: parts.settings.journalBodyLimitBytes,
          list_limit: listLimit,
          group_limit: groupLimit,
          skip_limit: skipLimit,
        },
        capture: { request: parts.settings.captureRequest, response: parts.settings.captureResponse },
      }
    },
  })

  return [health, ready, info]
}

/** Unhealthy is what loses records; a store that is down is made up for by the journal. */
function verdict({ services }: SystemStatus): 'ok' | 'degraded' | 'unhealthy' {
  if (services.journal.state === 'down' || services.recorder.state === 'down') return 'unhealthy'
  return Object.values(services).every(({ state }) => state === 'ok') ? 'ok' : 'degraded'
}

/** What the parts say of themselves; that the store answers is tried. */
async function statusOf(parts: ApiParts, path: string): Promise<SystemStatus | null> {
  try {
    const [known, store] = await Promise.all([within(2_000, parts.status()), storeStatus(parts, path)])
    return known.services.store.state === 'ok' ? { ...known, services: { ...known.services, store } } : known
  } catch (error) {
    parts.failed(error, path)
    return null
  }
}

async function storeStatus(parts: ApiParts, path: string): Promise<ServiceStatus> {
  try {
    await within(2_000, parts.store.status())
    return { state: 'ok', message: null }
  } catch (error) {
    parts.failed(error, path)
    return { state: 'down', message: 'the store does not answer' }
  }
}
