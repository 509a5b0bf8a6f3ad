import type { HttpBindings } from '@hono/node-server'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Identity } from '../access/credentials.ts'
import type { Store } from '../stores/store.ts'
import { ask } from './ask.ts'
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
  /** Besides the answer of the schema, text of this media type. */
  readonly text?: string
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
  readonly identity: Level extends 'public' | 'scraper' ? null : Identity
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
  // probes and browsers may add what they like to what is public
  const query = (url: string, spent: readonly string[]) => readQuery(access === 'public' ? '' : url, schema, spent)
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
        query: query(context.env.incoming.url ?? '/', spent),
        param: (name) => context.req.param(name) ?? '',
        ask: (question) => ask(parts, path, question),
      })
      return answer instanceof Response ? answer : context.json(answer as object)
    },
  }
}
