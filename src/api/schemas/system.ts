import { z } from '@hono/zod-openapi'
import { amount, count, field, flag, oneOf, text, textOrNull } from './field.ts'

const service = z
  .object({
    state: oneOf(['ok', 'degraded', 'down'], 'how it is'),
    message: textOrNull('why it is not ok'),
  })
  .openapi('Service')

const sink = z
  .object({
    accepted: count('records that are to be delivered: stored + pending + quarantined + dropped', 'records'),
    stored: count('there', 'records'),
    pending: count('waiting in the embedded database', 'records'),
    quarantined: count('refused there, and kept in the embedded database', 'records'),
    dropped: count('purged before they were there, or out of quarantine', 'records'),
  })
  .openapi('Sink')

export const health = z
  .object({
    status: oneOf(
      ['ok', 'degraded', 'unhealthy'],
      'the worst of the services; calls are proxied in each of these states',
    ),
    version: text('version of this program'),
    uptime_seconds: amount('since the start', 's'),
    timestamp: text('ISO 8601, UTC'),
    services: z
      .object({
        journal: service,
        recorder: service,
        store: service,
        mongodb: service.optional(),
        workers: service.optional(),
      })
      .nullable(),
    records: z
      .object({
        accepted: count('calls taken on: stored + pending + quarantined + dropped', 'records'),
        stored: count('safe in the store', 'records'),
        pending: count('on their way', 'records'),
        quarantined: count('kept raw, because they could not be read', 'records'),
        dropped: count('given up at a configured limit, or purged while they ran', 'records'),
        unprotected: count('calls that went on although the journal did not hold them', 'calls'),
      })
      .nullable(),
    sinks: z
      .record(z.string(), sink)
      .nullable()
      .openapi({ description: 'what was delivered where, by name; empty without a MongoDB in the settings' }),
    answered_by: textOrNull('name of the store that answers questions now'),
    active_requests: count('proxied calls that are running', 'calls').nullable(),
  })
  .openapi('Health')

export const readiness = z
  .object({ ready: flag('new calls are welcome: started, and not draining') })
  .openapi('Readiness')

export const info = z
  .object({
    service: text('sightglass'),
    version: text('version of this program'),
    timestamp: text('ISO 8601, UTC'),
    token_type: oneOf(['admin', 'key'], 'who asks'),
    key_id: textOrNull('fingerprint of the key that was presented; null for the admin'),
    key_name: textOrNull('its readable name, from the settings'),
    project_id: textOrNull('its project, from the settings'),
    database: text('name of the store'),
    active_requests: count('proxied calls that are running', 'calls').nullable(),
    max_concurrency: field(z.null(), 'no limit is set'),
    limits: z.object({
      body_limit_bytes: count('kept of each body', 'bytes'),
      journal_body_limit_bytes: count('read of each body for decoding', 'bytes'),
      list_limit: count('longest page of a list', 'records'),
      group_limit: count('most groups of a sum', 'records'),
      skip_limit: count('furthest page by skip; cursor goes on from there', 'records'),
    }),
    capture: z.object({
      request: oneOf(['full', 'metadata', 'off'], 'what is kept of requests by default'),
      response: oneOf(['full', 'metadata', 'off'], 'what is kept of answers by default'),
    }),
  })
  .openapi('Info')
