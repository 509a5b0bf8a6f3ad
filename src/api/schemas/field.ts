import { z } from '@hono/zod-openapi'

/** Units of numbers in answers. One word per unit, the same in every description and in the table of `docs/api.md`. */
export type Unit =
  | 'ms'
  | 'Unix ms'
  | 's'
  | 'bytes'
  | 'characters'
  | 'tokens'
  | 'tokens/s'
  | 'calls'
  | 'images'
  | 'records'
  | 'events'
  | 'USD'
  | '10⁻¹² USD'
  | 'HTTP status'
  | 'number'

/** Describes a field and, where it measures something, in what unit. */
export const field = <Schema extends z.ZodType>(schema: Schema, about: string, unit?: Unit): Schema =>
  schema.openapi({
    description: unit === undefined ? about : `${about} (${unit})`,
    ...(unit === undefined ? {} : { 'x-unit': unit }),
  })

export const text = (about: string) => field(z.string(), about)
export const textOrNull = (about: string) => field(z.string().nullable(), about)
export const flag = (about: string) => field(z.boolean(), about)
export const amount = (about: string, unit: Unit) => field(z.number(), about, unit)
export const amountOrNull = (about: string, unit: Unit) => field(z.number().nullable(), about, unit)
export const count = (about: string, unit: Unit) => field(z.int().min(0), about, unit)
export const countOrNull = (about: string, unit: Unit) => field(z.int().min(0).nullable(), about, unit)
export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words, about: string) =>
  field(z.enum(words), about)

/** A named schema or null. A union, since the nullable form of a schema would be described under the name of the schema itself. */
export const orNull = <Schema extends z.ZodType>(schema: Schema, about: string) =>
  field(z.union([schema, z.null()]), about)
