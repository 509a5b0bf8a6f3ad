import { z } from '@hono/zod-openapi'
import type { BilledLine } from '../../records/bill.ts'
import type { RunRecord } from '../../records/llm-run.ts'
import { operations, outcomes } from '../../records/outcome.ts'
import { type Timeline, timelineEvents } from '../../records/timeline.ts'
import { amount, amountOrNull, count, countOrNull, field, flag, oneOf, text, textOrNull } from './field.ts'
import { finishReason, telemetry, tokenSource } from './telemetry.ts'

const tokens = (about: string) => countOrNull(about, 'tokens')
const anything = (about: string) => z.array(z.unknown()).readonly().openapi({ description: about })
const headers = (about: string) =>
  z
    .array(z.tuple([z.string(), z.string()]).readonly())
    .readonly()
    .openapi({ description: about })
const open = (about: string) => field(z.record(z.string(), z.unknown()), about)

const bodyFacts = z
  .object({
    size: count('that passed', 'bytes'),
    sha256: textOrNull('of all of them, hex'),
    kept: count('that are kept, from the start', 'bytes'),
    truncated: flag('fewer are kept than passed'),
    coding: oneOf(['identity', 'zstd'], 'how they lie in the store'),
    content_type: textOrNull('as sent'),
    content_encoding: textOrNull('as sent'),
  })
  .openapi('BodyFacts')

const events = z
  .object({
    events: count('that were read', 'events'),
    content_events: count('with generated content', 'events'),
    bad_events: count('that could not be read', 'events'),
    comments: count('comments and pings', 'events'),
  })
  .openapi('EventCounts')

const billedLine = z
  .object({
    kind: text('what was billed: input, cached_input, output, web_search'),
    quantity: amount('how much of it', 'number'),
    price: field(z.string(), 'for the unit, as decimal text', 'USD'),
    unit: oneOf(['per 1M', 'each'], 'of the price'),
    factor: textOrNull('what the price was multiplied with, as decimal text; null: nothing'),
    price_field: text('where the price stands in its list'),
    picodollars: field(z.string(), 'amount, as decimal text; all amounts together are the cost', '10⁻¹² USD'),
  })
  .openapi('BilledLine') satisfies z.ZodType<BilledLine>

const runRecord = z
  .object({
    _id: text('id of the call'),
    request_id: text('the same id'),
    timestamp: text('when the request was accepted; ISO 8601, UTC'),
    timestamp_ms: amount('the same', 'Unix ms'),
    soeid: textOrNull('user, from x-user-id'),
    project_name: textOrNull('readable name of the project'),
    project_id: text('project'),
    key_id: textOrNull('fingerprint of the key that the client presented'),
    provider: text("vendor's API"),
    operation: oneOf(operations, 'kind of call'),
    model: text('the model that answered, else the one asked for, else unknown'),
    prompt: textOrNull('text of the request'),
    completion: textOrNull('text of the answer'),
    temperature: amountOrNull('as requested', 'number'),
    max_tokens: tokens('most output that was asked for'),
    prompt_tokens: tokens('input'),
    completion_tokens: tokens('output'),
    total_tokens: tokens('input and output'),
    latency_ms: amount('from the accepted request to the end of the answer', 'ms'),
    model_name: textOrNull('the model that answered, else the one asked for'),
    model_version: textOrNull('its version, where the name tells'),
    prompt_length: countOrNull('of the prompt', 'characters'),
    response_length: countOrNull('of the completion', 'characters'),
    response_time_ms: amount('the same as latency_ms', 'ms'),
    queue_time_ms: amountOrNull('our own time before the upstream was called', 'ms'),
    processing_time_ms: amountOrNull('latency_ms without queue_time_ms', 'ms'),
    tokens_per_second: amountOrNull('output per second of generation', 'tokens/s'),
    success: flag('the outcome is no error'),
    error_message: textOrNull('message of the error'),
    metadata: open("the server's own counters and times"),
    messages: anything('the conversation that was sent'),
    choices: anything('the answers'),
    tools: z.array(z.string()).readonly().openapi({ description: 'names of the tools that were offered' }),
    reasoning: textOrNull('text of the reasoning'),
    tool_calls: anything('tools that the answer calls'),
    refusal: textOrNull('text of the refusal'),
    parameters: open('parameters of the request'),
    finish_reason: finishReason,
    finish_reason_raw: textOrNull("the provider's own word"),
    response_id: textOrNull("the provider's id of the answer"),
    system_fingerprint: textOrNull('as answered'),
    service_tier: textOrNull('as answered'),
    text_truncated: flag('texts were cut at the limit; the bytes may hold more'),
    outcome: oneOf(outcomes, 'how the call ended'),
    status_code: count('what the client was sent', 'HTTP status'),
    token_source: tokenSource,
    cost_usd: amountOrNull('cost, rounded to a double; null when unknown', 'USD'),
    bill: z.array(billedLine).readonly().openapi({ description: 'lines of the cost; none where there is no cost' }),
    raw_usage: field(z.unknown(), 'usage as the provider said it'),
    request_headers: headers('kept headers of the request'),
    response_headers: headers('kept headers of the answer'),
    events,
    request_body: bodyFacts,
    response_body: bodyFacts,
  })
  .openapi('Run') satisfies z.ZodType<RunRecord>

const timeline = z
  .object({
    events: z
      .array(
        z.object({
          at_ms: amount('since the request was accepted', 'ms'),
          event: oneOf(timelineEvents, 'what happened'),
          bytes: countOrNull('of the answer, that had come by then', 'bytes'),
        }),
      )
      .readonly()
      .openapi({ description: 'in their order: at_ms, event, bytes of the answer that had come by then' }),
    pauses: z
      .array(z.object({ from_ms: amount('its beginning', 'ms'), ms: amount('how long', 'ms') }))
      .readonly()
      .openapi({ description: 'the longest times without a byte of the answer: from_ms, ms' }),
  })
  .openapi('Timeline') satisfies z.ZodType<Timeline>

export const runDetail = z
  .object({
    telemetry,
    run: runRecord,
    timeline,
    chunk_times: z
      .array(z.tuple([z.number(), z.number()]).readonly())
      .readonly()
      .nullable()
      .openapi({
        description:
          'arrival of each piece of the answer: since the request was accepted (ms), and where it ends in the body (bytes)',
      }),
  })
  .openapi('RunDetail')

/** A line of the list: the fields of `llm_runs` that fit in one, and the whole telemetry. */
const runSummary = runRecord
  .pick({
    _id: true,
    request_id: true,
    timestamp: true,
    soeid: true,
    project_name: true,
    project_id: true,
    key_id: true,
    provider: true,
    operation: true,
    model: true,
    prompt: true,
    completion: true,
    prompt_tokens: true,
    completion_tokens: true,
    total_tokens: true,
    latency_ms: true,
    success: true,
    outcome: true,
    status_code: true,
    cost_usd: true,
  })
  .extend({ text_truncated: flag('prompt or completion go on; the call itself has them whole'), telemetry })
  .openapi('RunSummary')

export const runList = z
  .object({
    total: countOrNull('that match; null where counting would take long', 'records'),
    skip: count('passed over', 'records'),
    limit: count('longest page asked for', 'records'),
    items: z.array(runSummary).readonly().openapi({ description: 'newest first' }),
    runs: z.array(runSummary).readonly().openapi({ description: 'the same list under its older name' }),
    next_cursor: textOrNull('give it as cursor to get the next page; null on the last'),
  })
  .openapi('RunList')

export type RunSummaryAnswer = z.input<typeof runSummary>
