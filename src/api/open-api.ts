import { OpenAPIHono } from '@hono/zod-openapi'
import { type ApiRoute, describe } from './route.ts'

/** The OpenAPI 3.1 description of the routes, from the schemas that check them. */
export function describeApi(routes: readonly ApiRoute[], version: string) {
  const book = new OpenAPIHono()
  for (const { definition } of routes) book.openAPIRegistry.registerPath(describe(definition))
  book.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: "the admin token, or any key that calls are made with; a provider's own header works too",
  })
  book.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
  })
  return book.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Sightglass',
      version,
      description:
        'What was called through this proxy. Every number is what was measured or reported; null means unknown. Times in ms, sizes in bytes, unless a field says otherwise (`x-unit`). This description holds no data and needs no key.',
    },
  })
}
