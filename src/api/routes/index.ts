import type { ApiRoute } from '../route.ts'
import { dbStatus } from './db-status.ts'
import { historyRoutes } from './llm-history.ts'
import { metricsRoute } from './metrics.ts'
import { openApiRoute } from './open-api.ts'
import { purgeRoutes } from './purge.ts'
import { startPageRoute } from './start-page.ts'
import { systemRoutes } from './system.ts'
import { usageRoutes } from './usage.ts'

/** Every resource of our own, in the order they are described. */
export function apiRoutes(version: string, startedAtMs: number): readonly ApiRoute[] {
  const routes = [
    ...systemRoutes(startedAtMs),
    metricsRoute(version),
    dbStatus,
    ...purgeRoutes,
    ...usageRoutes,
    ...historyRoutes,
    startPageRoute(),
  ]
  return [...routes, openApiRoute(routes, version)]
}
