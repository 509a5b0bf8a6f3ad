import { z } from '@hono/zod-openapi'
import { count, field, oneOf, text, textOrNull } from './field.ts'

const event = z
  .object({
    timestamp: text('ISO 8601, UTC'),
    event_type: text('`application_startup`, `database_lost` …'),
    status: oneOf(['success', 'error'], 'whether it is as it should be'),
    message: text('for people'),
    metadata: field(z.record(z.string(), z.unknown()), 'more of it'),
  })
  .openapi('ConnectionEvent')

const deleted = z
  .object({
    by_age: z.object({
      bodies: count('calls whose raw bytes went', 'calls'),
      words: count('calls of which what was said went', 'calls'),
      records: count('calls that went whole', 'calls'),
      rollups: count('rows of sums', 'records'),
      connection_logs: count('events of connections', 'events'),
      metrics: count('hourly sums', 'records'),
    }),
    by_size: z.object({
      bodies: count('calls whose raw bytes went', 'calls'),
      records: count('calls that went whole', 'calls'),
    }),
  })
  .openapi('Deleted')

const known = z.object({
  database: text('name of the store that answers questions now'),
  collections: z.object({
    telemetry: count('calls', 'records'),
    llm_runs: count('what was said', 'records'),
    connection_logs: count('events of connections of this instance', 'events'),
  }),
  deleted: field(deleted, 'what retention took from the embedded database since its data directory was made'),
  latest_connection_events: field(z.array(event), 'the newest five of this instance, newest first'),
})

const connected = known.extend({ status: field(z.literal('connected'), 'records reach the database') })
const fallback = known.extend({
  status: field(z.literal('fallback'), 'the database is away: records wait in the embedded one'),
  fallback_mode: field(z.literal('csv'), 'they are written to CSV files besides, for people to read'),
  fallback_directory: textOrNull('where those are'),
  csv_files: field(z.array(z.string()), 'their names'),
})
const failed = z.object({
  status: field(z.literal('error'), 'it cannot be told'),
  error: text('why not'),
})

export const dbStatus = z.union([connected, fallback, failed]).openapi('DbStatus')
