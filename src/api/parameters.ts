import { z } from '@hono/zod-openapi'
import { operations, outcomes } from '../records/outcome.ts'
import { type UsageGroup, usageGroups } from '../stores/store.ts'
import { isTimeZone } from './moment.ts'

export const listLimit = 200
export const skipLimit = 10_000
export const groupLimit = 10_000

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const plain = z.string().regex(/^[^\u0000-\u001f\u007f]{1,200}$/, 'wants 1 to 200 characters of plain text')

const named = (about: string) => plain.optional().openapi({ description: about })

const wholeNumber = (min: number, max: number) => {
  const wants = `wants a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,15}$/, wants)
    .transform(Number)
    .refine((value) => value >= min && value <= max, wants)
}

const whole = (about: string, min: number, max: number) =>
  wholeNumber(min, max).optional().openapi({ description: about, type: 'integer', minimum: min, maximum: max })

const wholeOr = (fallback: number, about: string, min: number, max: number) =>
  wholeNumber(min, max)
    .optional()
    .transform((value) => value ?? fallback)
    .openapi({ description: about, type: 'integer', minimum: min, maximum: max, default: fallback })

const word = <const Words extends readonly [string, ...string[]]>(words: Words, about: string) =>
  z
    .enum(words, { error: `wants one of ${words.join(', ')}` })
    .optional()
    .openapi({ description: about })

export const keyId = z
  .string()
  .regex(/^[0-9a-f]{32}$/, "wants a key's id as records have it: 32 hex characters, never the key itself")

const moment = (about: string) => named(`${about}: a date, a time, Unix milliseconds, or a span back such as 24h`)

/** What every list and sum can be narrowed by. */
const filters = {
  project: named('calls of this project'),
  key: keyId.optional().openapi({ description: 'calls made with the key of this id' }),
  user: named('calls of this user'),
  model: named('calls of this model'),
  provider: named('calls of this provider'),
  outcome: word(outcomes, 'calls that ended like this'),
  from: moment('calls accepted at or after'),
  to: moment('calls accepted before'),
  tz: z
    .string()
    .refine(isTimeZone, 'wants a time zone such as Europe/Berlin')
    .optional()
    .openapi({ description: 'IANA time zone of dates without an offset, UTC by default' }),
}

const groupBy = z
  .string()
  .transform((text, context) => {
    const names = text.split(',').map((name) => name.trim())
    const wrong = names.find((name) => !isGroup(name))
    if (wrong === undefined && new Set(names).size === names.length) return names.filter(isGroup)
    context.addIssue({
      code: 'custom',
      message: `wants different ones of ${usageGroups.join(', ')}, with commas between`,
    })
    return z.NEVER
  })
  .optional()
  .openapi({
    description: `any of ${usageGroups.join(', ')}, with commas between`,
    type: 'string',
    example: 'project,model',
  })

const isGroup = (name: string): name is UsageGroup => (usageGroups as readonly string[]).includes(name)

export const usageParameters = z.object({
  ...filters,
  tz: filters.tz.openapi({ description: 'IANA time zone of hour, day and dates without an offset, UTC by default' }),
  group_by: groupBy,
  status: word(outcomes, 'the same as outcome'),
  operation: word(['model', 'all'], 'model calls (default), or lists and probes too'),
  limit: wholeOr(1_000, 'most groups in the answer', 1, groupLimit),
})

export const runParameters = z.object({
  ...filters,
  soeid: named('the same as user'),
  status: word(['success', 'error', ...outcomes], 'calls without or with an error, or of one outcome'),
  status_code: whole('HTTP status that the client was sent', 0, 999),
  operation: word(['model', 'all', ...operations], 'model calls (default), all, or one kind'),
  session: named('calls of this session or thread'),
  text: named('calls whose prompt or completion holds this text, in any case; no wildcards'),
  latency_min_ms: whole('calls that took at least this long (ms)', 0, 1e9),
  latency_max_ms: whole('calls that took at most this long (ms)', 0, 1e9),
  tokens_min: whole('calls of at least so many tokens', 0, 1e12),
  tokens_max: whole('calls of at most so many tokens', 0, 1e12),
  limit: wholeOr(10, 'length of the page', 1, listLimit),
  skip: whole('how many to pass over; for more, follow next_cursor', 0, skipLimit),
  cursor: z
    .string()
    .max(500, 'is no cursor of ours')
    .optional()
    .openapi({ description: 'next_cursor of the page before' }),
})

export const purgeWish = z.object({
  project: named('calls of this project'),
  user: named('calls of this user'),
  before: moment('calls that began before'),
  tz: filters.tz,
  dry_run: z.boolean('wants true or false').optional().openapi({ description: 'delete nothing, count only' }),
})

export const purgeListParameters = z.object({
  limit: wholeOr(10, 'length of the page', 1, listLimit),
  cursor: whole('next_cursor of the page before', 1, 1e15),
})

export type UsageParameters = z.output<typeof usageParameters>
export type RunParameters = z.output<typeof runParameters>
export type FilterParameters = Pick<UsageParameters, keyof typeof filters>
