import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { ApiRoute } from './route.ts'
import { errorAnswer } from './schemas/error.ts'

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

function describe(definition: ApiRoute['definition']) {
  const {
    path,
    access,
    summary,
    description,
    params,
    query,
    body,
    answer,
    mediaType,
    text,
    bytes,
    errors = [],
  } = definition
  const statuses = [...(access === 'public' ? [] : [401, 422]), ...(access === 'admin' ? [403] : []), ...errors]
  return {
    method: definition.method === 'POST' ? ('post' as const) : ('get' as const),
    path,
    summary,
    ...(description === undefined ? {} : { description }),
    security: access === 'public' ? [] : [{ bearer: [] }, { key: [] }],
    request: {
      ...(params ? { params: pathParameters(params) } : {}),
      ...(query ? { query } : {}),
      ...(body ? { body: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    },
    responses: {
      [definition.status ?? 200]: {
        description: summary,
        content: {
          [mediaType ?? 'application/json']: { schema: answer },
          ...(text === undefined ? {} : { [text]: { schema: z.string() } }),
          ...(bytes ? { '*/*': { schema: z.string().openapi({ format: 'binary' }) } } : {}),
        },
      },
      ...Object.fromEntries(
        [...new Set(statuses)]
          .sort()
          .map((status) => [
            status,
            { description: meanings[status] ?? 'refused', content: { 'application/json': { schema: errorAnswer } } },
          ]),
      ),
    },
  }
}

const meanings: Readonly<Record<number, string>> = {
  400: 'the request makes no sense with this key',
  401: 'no key was presented',
  403: 'the key does not reach this',
  404: 'there is none, or it belongs to another key',
  422: 'a parameter is wrong; error.param names it',
  503: 'cannot be answered now',
}

const pathParameters = (params: Readonly<Record<string, string>>) =>
  z.object(
    Object.fromEntries(
      Object.entries(params).map(([name, about]) => [name, z.string().openapi({ description: about })]),
    ),
  )
