import { z } from '@hono/zod-openapi'
import { describeApi } from '../open-api.ts'
import { type ApiRoute, route } from '../route.ts'

/** The description of all routes, its own included. It holds no data, so it needs no key. */
export function openApiRoute(others: readonly ApiRoute[], version: string): ApiRoute {
  let made: Promise<object> | undefined
  const own: ApiRoute = route({
    path: '/openapi.json',
    access: 'public',
    summary: 'This description',
    answer: z.record(z.string(), z.unknown()),
    async handle({ context }) {
      made ??= Promise.resolve(describeApi([...others, own], version))
      return context.json(await made)
    },
  })
  return own
}
