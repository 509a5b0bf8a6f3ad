import type { z } from '@hono/zod-openapi'
import { nearest } from '../lib/nearest.ts'
import { ApiError, invalid } from './api-error.ts'

/** Parameters of the query string, each once and known, as the schema makes them; anything else is a 422 that names it. */
export function readQuery<Shape extends z.ZodRawShape>(
  url: string,
  schema: z.ZodObject<Shape>,
  without: readonly string[],
): z.output<z.ZodObject<Shape>> {
  const given = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')) {
    if (without.includes(name)) continue
    refuseUnknown(name, schema)
    if (given.has(name)) throw invalid(name, `${name}: is given twice; it takes one value`)
    if (value === '') throw invalid(name, `${name}: is empty; leave it out or give it a value`)
    given.set(name, value)
  }
  return checked(Object.fromEntries(given), schema)
}

/** Fields that are all known and as the schema wants them; a 422 names the first that is not. */
export function checked<Shape extends z.ZodRawShape>(
  given: Readonly<Record<string, unknown>>,
  schema: z.ZodObject<Shape>,
): z.output<z.ZodObject<Shape>> {
  for (const name of Object.keys(given)) refuseUnknown(name, schema)
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const name = String(issue?.path[0] ?? '')
  throw invalid(name, `${shown(name, textOf(given[name]))}: ${issue?.message ?? 'is not understood'}`)
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** `limit=0`, cut to a readable length. What stands in `key` may be a secret that was meant for a header. */
const shown = (name: string, value: string): string =>
  name === 'key' ? name : `${name}=${value.length > 80 ? `${value.slice(0, 80)}…` : value}`

function refuseUnknown(name: string, { shape }: z.ZodObject): void {
  if (!Object.hasOwn(shape, name)) throw unknown(name, Object.keys(shape))
}

function unknown(name: string, known: readonly string[]): ApiError {
  const near = nearest(name, known)
  const all = known.length === 0 ? 'there are none' : `known are ${known.join(', ')}`
  const hint = near === null ? all : `did you mean ${near}?`
  const label = name.length > 80 ? `${name.slice(0, 80)}…` : name
  return new ApiError(422, 'unknown_parameter', `${label}: is no parameter here; ${hint}`, { param: label })
}
