import { newId } from '../../src/lib/id.ts'
import type { RunRecord } from '../../src/records/llm-run.ts'
import { isError, modelOperations } from '../../src/records/outcome.ts'
import type { Purge } from '../../src/records/purge.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import type { TelemetryMetadata, TelemetryRecord } from '../../src/records/telemetry.ts'
import { unknownUsage } from '../../src/records/usage.ts'

/** What a test wants to be different; everything else is a plausible answered chat. */
export interface RecordOverrides {
  id?: string
  atMs?: number
  instance?: string
  /** Any field of the telemetry's metadata; the run follows where both hold it. */
  metadata?: Partial<TelemetryMetadata>
  run?: Partial<RunRecord>
  requestBytes?: Uint8Array | null
  responseBytes?: Uint8Array | null
  chunkTimes?: readonly (readonly [number, number])[] | null
  gapsMs?: readonly number[]
}

/** 2026-11-20 10:15:30 UTC. */
export const aMoment = Date.UTC(2026, 10, 20, 10, 15, 30)

/** A stored record with realistic values: a streamed OpenAI chat of 12 + 5 tokens, priced, in project `acme`. */
export function aRecord(overrides: RecordOverrides = {}): StoredRecord {
  const atMs = overrides.atMs ?? aMoment
  const id = overrides.id ?? newId(atMs)
  const requestBytes = overrides.requestBytes === undefined ? utf8(requestText) : overrides.requestBytes
  const responseBytes = overrides.responseBytes === undefined ? utf8(responseText) : overrides.responseBytes
  const metadata = aMetadata(overrides.metadata ?? {}, requestBytes, responseBytes)
  const telemetry: TelemetryRecord = {
    _id: id,
    request_id: id,
    event_type: modelOperations.has(metadata.operation) ? 'llm_request' : 'direct_request',
    timestamp: new Date(atMs).toISOString(),
    timestamp_ms: atMs,
    client_ip: '127.0.0.1',
    instance: overrides.instance ?? '01900000-0000-7000-8000-000000000001',
    program_version: '0.1.0',
    metadata,
  }
  const times = overrides.chunkTimes === undefined ? defaultTimes : overrides.chunkTimes
  return {
    telemetry,
    run: { ...aRun(telemetry, requestBytes, responseBytes), ...overrides.run },
    requestBytes,
    responseBytes,
    chunkTimes: times === null ? null : new Uint8Array(new Float64Array(times.flat()).buffer),
    gapsMs: overrides.gapsMs ?? [21.5, 19.25],
  }
}

const requestText =
  '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Say hello to the world"}]}'
const responseText =
  'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":", world!"}}]}\n\ndata: [DONE]\n\n'
const defaultTimes = [
  [182.5, 62],
  [204, 128],
  [223.25, 142],
] as const

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

function aMetadata(
  overrides: Partial<TelemetryMetadata>,
  requestBytes: Uint8Array | null,
  responseBytes: Uint8Array | null,
): TelemetryMetadata {
  const outcome = overrides.outcome ?? 'ok'
  const model = overrides.model_requested === undefined ? 'gpt-4o-mini' : overrides.model_requested
  return {
    client_id: 'acme',
    soeid: null,
    project_name: overrides.project_id ?? 'acme',
    target_service: 'https://api.openai.com',
    endpoint: '/v1/chat/completions',
    method: 'POST',
    status_code: 200,
    latency_ms: 224.5,
    request_size: requestBytes?.length ?? 0,
    response_size: responseBytes?.length ?? 0,
    prompt_tokens: 12,
    completion_tokens: 5,
    total_tokens: 17,
    llm_model: model,
    llm_latency: 223.25,
    additional_data: null,
    project_id: 'acme',
    organisation_id: null,
    user_id: 'ada',
    experiment_id: null,
    session_id: null,
    environment: null,
    traceparent: null,
    key_id: '0123456789abcdef0123456789abcdef',
    key_name: null,
    provider: 'openai',
    upstream: 'openai',
    operation: 'chat',
    stream: true,
    model_requested: model,
    model_served: model,
    http_version: '1.1',
    upstream_status: 200,
    upstream_request_id: 'req_123',
    rate_limits: null,
    limits: null,
    retry_after_ms: null,
    retry_advised: null,
    upstream_region: null,
    upstream_account: null,
    client_retries: 0,
    outcome,
    success: !isError(outcome),
    end_by: null,
    end_phase: 'done',
    finish_reason: 'stop',
    error_type: null,
    error_code: null,
    error_message: null,
    parse_note: null,
    ttfb_ms: 180,
    ttft_ms: 182.5,
    ttft_answer_ms: 182.5,
    last_content_ms: 223.25,
    inter_token_mean_ms: 20.375,
    inter_token_p95_ms: 21.5,
    queue_ms: 0.25,
    upstream_ms: 223,
    overhead_ms: 0.75,
    provider_ms: null,
    provider_ttft_ms: null,
    output_tokens_per_second: 122.7,
    token_source: 'reported',
    tokenizer: null,
    usage: storedNames({
      ...unknownUsage,
      input: 12,
      inputUncached: 12,
      cacheRead: 0,
      output: 5,
      reasoning: 0,
      totalReported: 17,
    }),
    cost_picodollars: '4800000',
    cost_usd: 0.0000048,
    cost_estimated: false,
    unpriced_reason: null,
    price_version: '2026-11-21',
    price_terms: null,
    request_sha256: null,
    response_sha256: null,
    content_type: 'text/event-stream',
    content_encoding: null,
    capture_request: 'full',
    capture_response: 'full',
    masked: false,
    usage_asked: false,
    withheld_bytes: 0,
    notes: [],
    ...overrides,
  }
}

function aRun(
  telemetry: TelemetryRecord,
  requestBytes: Uint8Array | null,
  responseBytes: Uint8Array | null,
): RunRecord {
  const { metadata } = telemetry
  return {
    _id: telemetry._id,
    request_id: telemetry.request_id,
    timestamp: telemetry.timestamp,
    timestamp_ms: telemetry.timestamp_ms,
    soeid: metadata.soeid,
    project_name: metadata.project_name,
    project_id: metadata.project_id,
    key_id: metadata.key_id,
    provider: metadata.provider,
    operation: metadata.operation,
    model: metadata.llm_model ?? 'unknown',
    prompt: 'Say hello to the world',
    completion: metadata.success ? 'Hello, world!' : null,
    temperature: null,
    max_tokens: null,
    prompt_tokens: metadata.prompt_tokens,
    completion_tokens: metadata.completion_tokens,
    total_tokens: metadata.total_tokens,
    latency_ms: metadata.latency_ms,
    model_name: metadata.model_served,
    model_version: null,
    prompt_length: 22,
    response_length: 13,
    response_time_ms: metadata.latency_ms,
    queue_time_ms: metadata.queue_ms,
    processing_time_ms: metadata.upstream_ms,
    tokens_per_second: metadata.output_tokens_per_second,
    success: metadata.success,
    error_message: metadata.error_message,
    metadata: {},
    messages: [{ role: 'user', content: 'Say hello to the world' }],
    choices: [{ index: 0, text: 'Hello, world!', finish_reason: 'stop' }],
    tools: [],
    reasoning: null,
    tool_calls: [],
    refusal: null,
    parameters: { stream: true },
    finish_reason: metadata.finish_reason,
    finish_reason_raw: metadata.finish_reason,
    response_id: 'chatcmpl-1',
    system_fingerprint: null,
    service_tier: null,
    text_truncated: false,
    outcome: metadata.outcome,
    status_code: metadata.status_code,
    token_source: metadata.token_source,
    cost_usd: metadata.cost_usd,
    bill: [],
    raw_usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
    request_headers: [['content-type', 'application/json']],
    response_headers: [['content-type', 'text/event-stream']],
    events: { events: 3, content_events: 2, bad_events: 0, comments: 0 },
    request_body: bodyFacts(metadata.request_size, requestBytes, 'application/json'),
    response_body: bodyFacts(metadata.response_size, responseBytes, 'text/event-stream'),
  }
}

const bodyFacts = (size: number, bytes: Uint8Array | null, contentType: string): RunRecord['request_body'] => ({
  size,
  sha256: null,
  kept: bytes?.length ?? 0,
  truncated: (bytes?.length ?? 0) < size,
  coding: 'identity',
  content_type: contentType,
  content_encoding: null,
})

/** A purge of everything that is named, an hour after the moment of the records. */
export function aPurge(named: Partial<Purge>): Purge {
  const askedMs = named.boundMs ?? aMoment + 3_600_000
  const boundMs = named.beforeMs ?? askedMs
  const nobody = { number: 1, project: null, user: null, beforeMs: null, dry: false, place: Number.MAX_SAFE_INTEGER }
  return { ...nobody, askedMs, boundMs, ...named }
}
