import type { HttpBindings } from '@hono/node-server'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Identity } from '../access/credentials.ts'
import type { Store } from '../stores/store.ts'
import { ask } from './ask.ts'
import { readBody } from './body.ts'
import type { ApiParts } from './parts.ts'
import { readQuery } from './query.ts'

/**
 * Who may ask: everybody; whoever presents a key (what a key then sees is `scope.ts`'s business); the admin; or the admin and
 * the scraper.
 */
export type AccessLevel = 'public' | 'key' | 'admin' | 'scraper'

/** A resource: what is checked, what is answered, and the description made of both. */
export interface ApiRoute {
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly access: AccessLevel
  readonly definition: AnyDefinition
  answer(context: ApiContext, parts: ApiParts, identity: Identity | null): Promise<Response>
}

export type ApiContext = Context<{ Bindings: HttpBindings }>

interface Definition<
  Level extends AccessLevel,
  Query extends z.ZodRawShape,
  Answer extends z.ZodType,
  Body extends z.ZodRawShape,
> {
  readonly path: string
  /** GET if not said. */
  readonly method?: 'GET' | 'POST'
  readonly access: Level
  readonly summary: string
  readonly description?: string
  /** Path parameters, by name, with what they are. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: z.ZodObject<Query>
  /** The JSON object that a POST wants. */
  readonly body?: z.ZodObject<Body>
  readonly answer: Answer
  /** Of a good answer; 200 if not said. */
  readonly status?: 200 | 201
  readonly mediaType?: string
  /** Besides the answer of the schema, text of this media type. */
  readonly text?: string
  /** Besides the answer of the schema, kept bytes of any type. */
  readonly bytes?: boolean
  readonly errors?: readonly number[]
  handle(call: Call<Level, Query, Body>): Promise<z.input<Answer> | Response>
}

export type AnyDefinition = Omit<Definition<AccessLevel, z.ZodRawShape, z.ZodType, z.ZodRawShape>, 'handle'>

/** One request to our own API, checked. */
export interface Call<
  Level extends AccessLevel,
  Query extends z.ZodRawShape,
  Body extends z.ZodRawShape = z.ZodRawShape,
> {
  readonly context: ApiContext
  readonly parts: ApiParts
  readonly identity: Level extends 'public' | 'scraper' ? null : Identity
  readonly query: z.output<z.ZodObject<Query>>
  readonly body: z.output<z.ZodObject<Body>>
  param(name: string): string
  /** Puts a question to the store, with a deadline; its troubles become answers. */
  ask<T>(question: (store: Store) => Promise<T>): Promise<T>
}

export function route<
  Level extends AccessLevel,
  Query extends z.ZodRawShape,
  Answer extends z.ZodType,
  Body extends z.ZodRawShape,
>(definition: Definition<Level, Query, Answer, Body>): ApiRoute {
  const { path, access, method = 'GET', status = 200 } = definition
  const schema = definition.query ?? z.object({} as Query)
  // probes and browsers may add what they like to what is public
  const query = (url: string, spent: readonly string[]) => readQuery(access === 'public' ? '' : url, schema, spent)
  const bodySchema = definition.body ?? z.object({} as Body)
  return {
    path,
    method,
    access,
    definition,
    async answer(context, parts, identity) {
      // a key in the URL said who asks, so it is not a filter
      const spent = identity?.kind === 'key' && identity.from === 'query' ? ['key'] : []
      const answer = await definition.handle({
        context,
        parts,
        identity: identity as Call<Level, Query>['identity'],
        query: query(context.env.incoming.url ?? '/', spent),
        body: method === 'POST' ? await readBody(context.req.raw, bodySchema) : ({} as z.output<z.ZodObject<Body>>),
        param: (name) => context.req.param(name) ?? '',
        ask: (question) => ask(parts, path, question),
      })
      return answer instanceof Response ? answer : context.json(answer as object, status)
    },
  }
}
