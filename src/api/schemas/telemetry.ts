import { z } from '@hono/zod-openapi'
import type { PriceTerms } from '../../records/bill.ts'
import { operations, outcomes } from '../../records/outcome.ts'
import type { RateLimit } from '../../records/rate-limit.ts'
import type { StoredNames } from '../../records/stored-names.ts'
import type { TelemetryRecord } from '../../records/telemetry.ts'
import type { Usage } from '../../records/usage.ts'
import { amount, amountOrNull, count, countOrNull, field, flag, oneOf, orNull, text, textOrNull } from './field.ts'

const tokens = (about: string) => countOrNull(about, 'tokens')

const tokenUsage = z
  .object({
    input: tokens('every input token, cached or not'),
    input_uncached: tokens('input neither read from nor written to a cache'),
    cache_read: tokens('input read from a cache'),
    cache_write: tokens('input written to a cache'),
    cache_write_1h: tokens('the part of cache_write that lives an hour'),
    output: tokens('output, reasoning included'),
    reasoning: tokens('the part of the output that was reasoning'),
    audio_input: tokens('audio in the input'),
    cached_audio_input: tokens('audio in the input, from a cache'),
    audio_output: tokens('audio in the output'),
    image_input: tokens('images in the input'),
    cached_image_input: tokens('images in the input, from a cache'),
    image_output: tokens('images in the output'),
    video_input: tokens('video in the input'),
    video_output: tokens('video in the output'),
    prediction_accepted: tokens('predicted output that was used'),
    prediction_rejected: tokens('predicted output that was not used'),
    web_searches: countOrNull('searches of the web', 'calls'),
    citations: tokens('cited sources, where they are counted apart from the input'),
    request_fees: countOrNull('requests that are billed a fee beside their tokens', 'calls'),
    search_context: textOrNull('how much was searched: low, medium or high'),
    images: countOrNull('images made', 'images'),
    audio_seconds: amountOrNull('sound heard or made, as it is billed', 's'),
    characters: countOrNull('text that was spoken', 'characters'),
    search_units: countOrNull('billed units of a rerank', 'number'),
    billed_input: tokens('input that the provider bills, where it tells that apart'),
    billed_output: tokens('output that the provider bills, where it tells that apart'),
    total_reported: tokens("the provider's own total, as it said"),
    cost_reported_usd: field(z.string().nullable(), "the provider's own bill, as decimal text", 'USD'),
  })
  .openapi('TokenUsage') satisfies z.ZodType<StoredNames<Usage>>

const tokenSources = ['reported', 'timings', 'header', 'estimated', 'none'] as const
export const tokenSource = oneOf(tokenSources, 'where the token counts come from')

export const finishReason = field(
  z
    .enum(['stop', 'length', 'tool_calls', 'content_filter', 'pause', 'load', 'unload', 'error', 'cancelled'])
    .nullable(),
  'why the model stopped, in one vocabulary',
)

const priceTerms = z
  .object({
    service_tier: textOrNull('as served'),
    batch: flag('billed as part of a batch'),
    conditions: z
      .array(z.string())
      .readonly()
      .openapi({ description: 'what multiplies prices: speed:fast, region:eu' }),
    reported_usd: field(z.string().nullable(), "the vendor's own bill, as decimal text", 'USD'),
    units: field(z.record(z.string(), z.union([z.number(), z.string()])), 'quantities that are no tokens'),
  })
  .openapi('PriceTerms') satisfies z.ZodType<PriceTerms>

const rateLimit = z
  .object({
    name: text('requests, tokens, input_tokens …, with its window where one is said: tokens_minute'),
    limit: amountOrNull('the whole of it', 'number'),
    remaining: amountOrNull('what is left of it', 'number'),
    reset_ms: amountOrNull("from the answer's head until it is full again", 'ms'),
  })
  .openapi('RateLimit') satisfies z.ZodType<RateLimit>

const capture = (about: string) => oneOf(['full', 'metadata', 'off'], about)

const metadata = z
  .object({
    client_id: text('project of the caller'),
    soeid: textOrNull('user, from x-user-id'),
    project_name: textOrNull('readable name of the project'),
    target_service: text('upstream that was called'),
    endpoint: text('path of the call'),
    method: text('HTTP method'),
    status_code: count('what the client was sent; 0 when it was sent nothing', 'HTTP status'),
    latency_ms: amount('from the accepted request to the end of the answer', 'ms'),
    request_size: count('body of the request', 'bytes'),
    response_size: count('body of the answer', 'bytes'),
    prompt_tokens: tokens('input'),
    completion_tokens: tokens('output'),
    total_tokens: tokens('input and output'),
    llm_model: textOrNull('the model that answered, else the one asked for'),
    llm_latency: amountOrNull("until the upstream's answer was complete", 'ms'),
    additional_data: field(z.record(z.string(), z.unknown()).nullable(), 'what fits nowhere else'),
    project_id: text('project, from the path, a header, or the settings of the key'),
    organisation_id: textOrNull('organisation, from x-organisation-id'),
    user_id: textOrNull('user, from x-user-id'),
    experiment_id: textOrNull('experiment, from x-experiment-id'),
    session_id: textOrNull('session or thread, from x-session-id or x-thread-id'),
    environment: textOrNull('environment, from x-environment'),
    traceparent: textOrNull('W3C trace context, as sent'),
    key_id: textOrNull('fingerprint of the key that the client presented'),
    key_name: textOrNull('its readable name, from the settings'),
    provider: text("vendor's API"),
    upstream: text('address that was called, by name'),
    operation: oneOf(operations, 'kind of call'),
    stream: flag('the answer was streamed'),
    model_requested: textOrNull('model in the request'),
    model_served: textOrNull('model in the answer'),
    http_version: text("of the client's request"),
    upstream_status: countOrNull('what the upstream answered', 'HTTP status'),
    upstream_request_id: textOrNull("the provider's own id of the call"),
    rate_limits: field(z.record(z.string(), z.string()).nullable(), 'headers about rate limits, as sent'),
    limits: field(z.array(rateLimit).readonly().nullable(), 'the same limits in one vocabulary'),
    retry_after_ms: amountOrNull('how long the provider asks to wait', 'ms'),
    retry_advised: field(z.boolean().nullable(), 'whether the provider advises to try again'),
    upstream_region: textOrNull('where the provider served the call'),
    upstream_account: textOrNull('account that the provider counted it to'),
    client_retries: countOrNull('how often the client had tried before', 'calls'),
    outcome: oneOf(outcomes, 'how the call ended'),
    success: flag('the outcome is no error'),
    end_by: field(z.enum(['client', 'upstream', 'proxy']).nullable(), 'who ended the call early'),
    end_phase: oneOf(['request', 'connect', 'headers', 'data', 'done'], 'how far the call had come'),
    finish_reason: finishReason,
    error_type: textOrNull('kind of error'),
    error_code: textOrNull("code of the error, ours or the provider's"),
    error_message: textOrNull('message of the error'),
    parse_note: textOrNull('why the answer is not what its path and its request promise, or could not be read as that'),
    ttfb_ms: amountOrNull("to the first byte of the answer's body", 'ms'),
    ttft_ms: amountOrNull('to the first generated content: text, reasoning, tool call, audio', 'ms'),
    ttft_answer_ms: amountOrNull('to the first content that is not reasoning', 'ms'),
    last_content_ms: amountOrNull('to the last generated content', 'ms'),
    inter_token_mean_ms: amountOrNull('mean gap between pieces of content', 'ms'),
    inter_token_p95_ms: amountOrNull('95th percentile of those gaps', 'ms'),
    queue_ms: amountOrNull('our own time before the upstream was called', 'ms'),
    upstream_ms: amountOrNull('from the call of the upstream to its last byte', 'ms'),
    overhead_ms: amountOrNull('latency_ms less upstream_ms and the time the client took to send', 'ms'),
    provider_ms: amountOrNull('what the server itself reported', 'ms'),
    provider_ttft_ms: amountOrNull("the server's own time to its first token", 'ms'),
    output_tokens_per_second: amountOrNull('output per second of generation', 'tokens/s'),
    token_source: tokenSource,
    tokenizer: textOrNull('what counted an estimate: its encoding, and what to think of it'),
    usage: orNull(tokenUsage, 'tokens by kind, and what else is billed'),
    cost_picodollars: field(z.string().nullable(), 'cost, exact, as decimal text; null when unknown', '10⁻¹² USD'),
    cost_usd: amountOrNull('cost, rounded to a double; null when unknown', 'USD'),
    cost_estimated: flag('the cost rests on estimated tokens, or on prices by the piece that stand in for tokens'),
    unpriced_reason: textOrNull('why there is no cost'),
    price_version: textOrNull('version of the price list'),
    price_terms: orNull(priceTerms, 'what decided the price beside model, time and tokens; null when nothing did'),
    request_sha256: textOrNull('SHA-256 of the whole body, hex'),
    response_sha256: textOrNull('SHA-256 of the whole body, hex'),
    content_type: textOrNull('of the answer'),
    content_encoding: textOrNull('of the answer'),
    capture_request: capture('what was kept of the request'),
    capture_response: capture('what was kept of the answer'),
    masked: flag("something of the call's own secrets was masked"),
    usage_asked: flag('the upstream was asked for the usage of this stream, and the client had not asked'),
    withheld_bytes: countOrNull(
      'of the answer, before compression, that the client was not sent for that reason',
      'bytes',
    ),
    notes: z.array(z.string()).readonly().openapi({ description: 'oddities of the call' }),
  })
  .openapi('TelemetryMetadata') satisfies z.ZodType<TelemetryRecord['metadata']>

export const telemetry = z
  .object({
    _id: text('id of the call, UUIDv7; the x-sightglass-id of its answer'),
    request_id: text('the same id'),
    event_type: oneOf(['llm_request', 'direct_request'], 'model call, or anything else'),
    timestamp: text('when the request was accepted; ISO 8601, UTC'),
    timestamp_ms: amount('the same', 'Unix ms'),
    client_ip: text('address of the client'),
    instance: text('data directory that recorded it'),
    program_version: textOrNull('version of Sightglass that recorded it; null for imported calls'),
    metadata,
  })
  .openapi('Telemetry') satisfies z.ZodType<TelemetryRecord>
