import { z } from '@hono/zod-openapi'
import type { OtelLog } from '../../records/otel-log.ts'
import { amountOrNull, count, countOrNull, field, oneOf, text, textOrNull } from './field.ts'

const always = (about: string) => field(z.literal(true).optional(), about)

const metadata = z.object({
  project_id: textOrNull('project'),
  project_name: textOrNull('its readable name'),
  latency: count('from the accepted request to the end of the answer', 'ms'),
  ttfb: countOrNull('to the head of the answer', 'ms'),
  tokens: z.object({
    input: countOrNull('input', 'tokens'),
    output: countOrNull('output', 'tokens'),
    total: countOrNull('input and output', 'tokens'),
  }),
  cost: amountOrNull('cost', 'USD'),
  status: oneOf(['success', 'error'], 'error when one of the two counts is not 0'),
  path: text('path of the call'),
  method: text('HTTP method'),
  request_size: count('body of the request', 'bytes'),
  response_size: count('body of the answer', 'bytes'),
  provider_latency: countOrNull('from the call of the upstream to its last byte', 'ms'),
  provider_reported_latency: count('what the server itself said it took; only where it did', 'ms').optional(),
  status_code: count('what the client was sent; 0 when it was sent nothing', 'HTTP status'),
  provider_status_code: countOrNull('what the upstream answered', 'HTTP status'),
  error_count: count('1 where the call failed here, or its client left', 'number'),
  error_type: textOrNull('kind of that'),
  provider_error_count: count('1 where the provider failed', 'number'),
  provider_error_type: textOrNull('kind of that'),
  provider_request_id: textOrNull("the provider's own id of the call"),
})

export const otelLogAnswer = z
  .object({
    timestamp: text('when the request was accepted; RFC 3339'),
    resource: z.object({
      'service.name': text('sightglass'),
      'service.version': text('version that recorded the call'),
      'deployment.environment': text('x-environment of the call, else the setting deployment_environment'),
    }),
    name: field(z.literal('ai_gateway_request_log'), 'kind of document'),
    attributes: z.object({
      id: text('msg_ and the id of the call'),
      thread_id: text('session or thread that the client named, else thread_ and the id of the call'),
      org_id: textOrNull('organisation'),
      user_id: textOrNull('user'),
      project_id: textOrNull('project'),
      experiment_id: textOrNull('experiment'),
      provider: text("vendor's API"),
      model: textOrNull('the model that answered, else the one asked for'),
      request: field(z.unknown(), 'body: JSON, or text, or a placeholder for what is no text'),
      response: field(
        z.unknown(),
        'body; of a stream the whole answer (id, model, choices, usage) and streamed_data: every chunk in order, up to 10,000 (streamed_data_truncated)',
      ),
      request_truncated: always('the body is not all that passed'),
      response_truncated: always('the body is not all that passed'),
      metadata,
    }),
  })
  .openapi('OtelLog') satisfies z.ZodType<OtelLog>
