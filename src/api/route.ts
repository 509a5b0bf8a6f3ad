import type { HttpBindings } from '@hono/node-server'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Identity } from '../access/credentials.ts'
import type { Store } from '../stores/store.ts'
import { ask } from './ask.ts'
import type { ApiParts } from './parts.ts'
import { readQuery } from './query.ts'
import { errorAnswer } from './schemas/error.ts'

/** Who may ask: everybody, or whoever presents a key; what a key then sees is `scope.ts`'s business. */
export type AccessLevel = 'public' | 'key'

/** A resource: what is checked, what is answered, and the description made of both. */
export interface ApiRoute {
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string
  readonly access: AccessLevel
  readonly definition: AnyDefinition
  answer(context: ApiContext, parts: ApiParts, identity: Identity | null): Promise<Response>
}

export type ApiContext = Context<{ Bindings: HttpBindings }>

interface Definition<Level extends AccessLevel, Query extends z.ZodRawShape, Answer extends z.ZodType> {
  readonly path: string
  readonly access: Level
  readonly summary: string
  readonly description?: string
  /** Path parameters, by name, with what they are. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: z.ZodObject<Query>
  readonly answer: Answer
  readonly mediaType?: string
  /** Besides the answer of the schema, kept bytes of any type. */
  readonly bytes?: boolean
  readonly errors?: readonly number[]
  handle(call: Call<Level, Query>): Promise<z.input<Answer> | Response>
}

export type AnyDefinition = Omit<Definition<AccessLevel, z.ZodRawShape, z.ZodType>, 'handle'>

/** One request to our own API, checked. */
export interface Call<Level extends AccessLevel, Query extends z.ZodRawShape> {
  readonly context: ApiContext
  readonly parts: ApiParts
  readonly identity: Level extends 'public' ? null : Identity
  readonly query: z.output<z.ZodObject<Query>>
  param(name: string): string
  /** Puts a question to the store, with a deadline; its troubles become answers. */
  ask<T>(question: (store: Store) => Promise<T>): Promise<T>
}

export function route<Level extends AccessLevel, Query extends z.ZodRawShape, Answer extends z.ZodType>(
  definition: Definition<Level, Query, Answer>,
): ApiRoute {
  const { path, access } = definition
  const schema = definition.query ?? z.object({} as Query)
  return {
    path,
    access,
    definition,
    async answer(context, parts, identity) {
      // a key in the URL said who asks, so it is not a filter
      const spent = identity?.kind === 'key' && identity.from === 'query' ? ['key'] : []
      const answer = await definition.handle({
        context,
        parts,
        identity: identity as Call<Level, Query>['identity'],
        query: readQuery(context.env.incoming.url ?? '/', schema, spent),
        param: (name) => context.req.param(name) ?? '',
        ask: (question) => ask(parts, path, question),
      })
      return answer instanceof Response ? answer : context.json(answer as object)
    },
  }
}

/** For OpenAPI: the same schemas that check and type the route. */
export function describe(definition: AnyDefinition) {
  const { path, access, summary, description, params, query, answer, mediaType, bytes, errors = [] } = definition
  const statuses = [...(access === 'public' ? [] : [401]), ...(query ? [422] : []), ...errors]
  return {
    method: 'get' as const,
    path,
    summary,
    ...(description === undefined ? {} : { description }),
    security: access === 'public' ? [] : [{ bearer: [] }, { key: [] }],
    request: {
      ...(params
        ? {
            params: z.object(
              Object.fromEntries(
                Object.entries(params).map(([name, about]) => [name, z.string().openapi({ description: about })]),
              ),
            ),
          }
        : {}),
      ...(query ? { query } : {}),
    },
    responses: {
      200: {
        description: summary,
        content: {
          [mediaType ?? 'application/json']: { schema: answer },
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
