import { isStream, type Observed } from '../formats/observed.ts'
import { version } from '../lib/version.ts'
import type { Metered } from '../meter/metered.ts'
import type { Ending } from '../meter/outcome.ts'
import { recordedCost } from '../meter/price-again.ts'
import { sumKnown } from '../records/count.ts'
import type { Exchange } from '../records/exchange.ts'
import type { BodyFacts } from '../records/llm-run.ts'
import { isError, modelOperations } from '../records/outcome.ts'
import { storedNames } from '../records/stored-names.ts'
import type { TelemetryMetadata, TelemetryRecord } from '../records/telemetry.ts'
import {
  clientRetries,
  providerTtftMs,
  rateLimits,
  retryAdvised,
  upstreamAccount,
  upstreamRegion,
  upstreamRequestId,
} from './headers.ts'
import { limitsOf, retryAfterMs } from './rate-limits.ts'

/** Everything that was found out about one exchange, for the two documents made of it. */
export interface Findings {
  exchange: Exchange
  observed: Observed
  ending: Ending
  metered: Metered
  instance: string
  projectName: string | null
  /** Whether what was said may stand in the record. */
  keepRequest: boolean
  keepResponse: boolean
  requestBody: BodyFacts
  responseBody: BodyFacts
  notes: readonly string[]
}

/** The telemetry document: numbers and names, never what was said. */
export function telemetryOf(findings: Findings): TelemetryRecord {
  const { exchange, observed, instance } = findings
  const { open } = exchange
  return {
    _id: open.id,
    request_id: open.id,
    event_type: modelOperations.has(observed.operation) ? 'llm_request' : 'direct_request',
    timestamp: new Date(open.wallMs).toISOString(),
    timestamp_ms: open.wallMs,
    client_ip: open.clientIp,
    instance,
    program_version: version,
    metadata: { ...callOf(findings), ...numbersOf(findings), ...bytesOf(findings) },
  }
}

type Bytes = Pick<
  TelemetryMetadata,
  | 'request_size'
  | 'response_size'
  | 'request_sha256'
  | 'response_sha256'
  | 'content_type'
  | 'content_encoding'
  | 'capture_request'
  | 'capture_response'
  | 'masked'
  | 'usage_asked'
  | 'withheld_bytes'
  | 'notes'
>

type Numbers = Pick<
  TelemetryMetadata,
  | 'latency_ms'
  | 'llm_latency'
  | 'ttfb_ms'
  | 'ttft_ms'
  | 'ttft_answer_ms'
  | 'last_content_ms'
  | 'inter_token_mean_ms'
  | 'inter_token_p95_ms'
  | 'queue_ms'
  | 'upstream_ms'
  | 'overhead_ms'
  | 'provider_ms'
  | 'output_tokens_per_second'
  | 'prompt_tokens'
  | 'completion_tokens'
  | 'total_tokens'
  | 'token_source'
  | 'tokenizer'
  | 'usage'
  | 'cost_picodollars'
  | 'cost_usd'
  | 'cost_estimated'
  | 'unpriced_reason'
  | 'price_version'
  | 'price_terms'
>

function callOf(findings: Findings): Omit<TelemetryMetadata, keyof Bytes | keyof Numbers> {
  const { exchange, observed, ending, projectName } = findings
  const { open, head, close } = exchange
  const { context } = open
  const { request, decoded } = observed
  const model = decoded?.model ?? request.model
  return {
    client_id: context.project,
    soeid: context.user,
    project_name: projectName,
    target_service: open.upstream,
    endpoint: open.path.split('?', 1)[0]!,
    method: open.method,
    status_code: close ? (close.statusSent ?? 0) : (head?.status ?? 0),
    llm_model: model,
    additional_data: additional(findings, model),

    project_id: context.project,
    organisation_id: context.organisation,
    user_id: context.user,
    experiment_id: context.experiment,
    session_id: context.session,
    environment: context.environment,
    traceparent: context.traceparent,
    key_id: open.keyFingerprint,
    key_name: open.keyName,

    provider: open.provider,
    upstream: open.upstream,
    operation: observed.operation,
    stream: isStream(observed) || (decoded === null && request.stream),
    model_requested: request.model,
    model_served: decoded?.model ?? null,
    http_version: open.httpVersion,
    upstream_status: head?.status ?? null,
    ...saidInHeaders(exchange),
    client_retries: clientRetries(open.requestHeaders),

    outcome: ending.outcome,
    success: !isError(ending.outcome),
    end_by: ending.endBy,
    end_phase: ending.endPhase,
    finish_reason: decoded?.finishReason ?? null,
    error_type: ending.errorType,
    error_code: ending.errorCode,
    error_message: ending.errorMessage,
    parse_note: observed.parseNote,
  }
}

type HeaderFacts = Pick<
  TelemetryMetadata,
  | 'upstream_request_id'
  | 'rate_limits'
  | 'limits'
  | 'retry_after_ms'
  | 'retry_advised'
  | 'upstream_region'
  | 'upstream_account'
  | 'provider_ttft_ms'
>

function saidInHeaders({ open, head }: Exchange): HeaderFacts {
  const headers = head?.headers ?? []
  const headAtMs = open.wallMs + (head ? head.atMs - open.atMs : 0)
  return {
    upstream_request_id: upstreamRequestId(headers),
    rate_limits: rateLimits(headers),
    limits: limitsOf(headers, headAtMs),
    retry_after_ms: retryAfterMs(headers, headAtMs),
    retry_advised: retryAdvised(headers),
    upstream_region: upstreamRegion(headers),
    upstream_account: upstreamAccount(headers),
    provider_ttft_ms: providerTtftMs(headers),
  }
}

function additional(
  { exchange, observed, ending, keepRequest }: Findings,
  model: string | null,
): Record<string, unknown> | null {
  const error = ending.errorMessage === null ? {} : { error: ending.errorMessage }
  if (!modelOperations.has(observed.operation)) return ending.errorMessage === null ? null : error
  const { parameters, endUser } = observed.request
  return {
    model,
    temperature: parameters.temperature,
    max_tokens: parameters.max_tokens,
    request_id: exchange.open.id,
    ...(endUser !== null && keepRequest ? { end_user: endUser } : {}),
    ...error,
  }
}

function numbersOf({ metered }: Findings): Numbers {
  const { usage, timing } = metered
  const prompt = usage?.input ?? null
  const completion = usage?.output ?? null
  return {
    latency_ms: timing.latencyMs,
    llm_latency: timing.upstreamMs,
    ttfb_ms: timing.ttfbMs,
    ttft_ms: timing.ttftMs,
    ttft_answer_ms: timing.ttftAnswerMs,
    last_content_ms: timing.lastContentMs,
    inter_token_mean_ms: timing.interTokenMeanMs,
    inter_token_p95_ms: timing.interTokenP95Ms,
    queue_ms: timing.queueMs,
    upstream_ms: timing.upstreamMs,
    overhead_ms: timing.overheadMs,
    provider_ms: timing.providerMs,
    output_tokens_per_second: timing.outputTokensPerSecond,

    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: sumKnown(prompt, completion),
    token_source: metered.tokenSource,
    tokenizer: metered.tokenizer,
    usage: usage && storedNames(usage),
    ...recordedCost(metered.cost).fields,
    price_terms: metered.priceTerms,
  }
}

function bytesOf({ exchange, requestBody, responseBody, notes }: Findings): Bytes {
  const { open, head, close } = exchange
  return {
    request_size: requestBody.size,
    response_size: responseBody.size,
    request_sha256: requestBody.sha256,
    response_sha256: responseBody.sha256,
    content_type: head?.contentType ?? null,
    content_encoding: head?.contentEncoding ?? null,
    capture_request: open.captureRequest,
    capture_response: open.captureResponse,
    masked: open.masked || close?.masked === true,
    usage_asked: head?.usageAsked === true,
    withheld_bytes: close === null && head?.usageAsked ? null : (close?.withheldBytes ?? 0),
    notes,
  }
}
