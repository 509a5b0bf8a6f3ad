import { z } from '@hono/zod-openapi'
import { count, field, flag, oneOf, text, textOrNull } from './field.ts'

const part = z
  .object({
    name: text('`embedded`, `csv`, or the name of a sink such as `mongodb`'),
    state: oneOf(['done', 'waiting'], 'whether all of it is deleted there'),
    done_at: textOrNull('ISO 8601, UTC'),
    message: textOrNull('what it waits for'),
    counts: z.record(z.string(), z.int().min(0)).openapi({
      description:
        'what was deleted there so far, by what it is; of a dry purge what would be. `pending`: the records that a sink was never sent, they count as dropped',
    }),
  })
  .openapi('PurgePart')

export const purge = z
  .object({
    number: count('names this purge in this data directory', 'number'),
    dry_run: flag('nothing is deleted, only counted'),
    project: textOrNull('calls of this project'),
    user: textOrNull('calls of this user'),
    before: textOrNull('calls that began before this date, if one was given; ISO 8601, UTC'),
    bound: text('calls that began before this moment are meant, and no others; ISO 8601, UTC'),
    asked_at: text('ISO 8601, UTC'),
    state: oneOf(['done', 'waiting'], 'whether all parts are done'),
    parts: z.array(part),
  })
  .openapi('Purge')

export const purgeList = z
  .object({
    items: z.array(purge),
    next_cursor: field(z.string().nullable(), 'of the next page; null: this was the last'),
  })
  .openapi('PurgeList')
