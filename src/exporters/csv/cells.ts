import { createHash } from 'node:crypto'
import { isObject, type JsonObject, numberAt, parseJson, stringAt } from '../../records/json.ts'
import type { BodyFacts, RunRecord } from '../../records/llm-run.ts'
import { isError, type Operation, type Outcome } from '../../records/outcome.ts'
import type { StoredRecord } from '../../records/stored.ts'
import type { TelemetryMetadata, TelemetryRecord } from '../../records/telemetry.ts'
import type { Column } from './columns.ts'

export type Cells = Readonly<Record<Column, string>>

export class WrongCell extends Error {
  override name = 'WrongCell'
  readonly column: Column
  readonly wants: string
  constructor(column: Column, wants: string) {
    super(`${column} wants ${wants}`)
    this.column = column
    this.wants = wants
  }
}

/** The call that a row tells of. What the columns do not hold stays unknown; its token counts pass for estimates. Throws `WrongCell`. */
export function recordOfCells(cells: Cells, instance: string): StoredRecord {
  const metadata = metadataOf(cells)
  const atMs = moment(cells.timestamp)
  const id = idOf(cells)
  const telemetry: TelemetryRecord = {
    _id: id,
    request_id: id,
    event_type: cells.event_type === 'llm_request' ? 'llm_request' : 'direct_request',
    timestamp: new Date(atMs).toISOString(),
    timestamp_ms: atMs,
    client_ip: cells.client_ip,
    instance,
    program_version: null,
    metadata,
  }
  const run = runOf(telemetry)
  return { telemetry, run, requestBytes: null, responseBytes: null, chunkTimes: null, gapsMs: [] }
}

/** Plain requests of a predecessor were numbered by the millisecond: two rows may have one number, and are two calls. */
function idOf(cells: Cells): string {
  const id = required(cells, 'request_id')
  if (id.length > 200) throw new WrongCell('request_id', 'at most 200 characters')
  if (!/^req-\d+$/.test(id)) return id
  const digest = createHash('sha256')
    .update(JSON.stringify(Object.entries(cells).sort()))
    .digest('hex')
  return `${id}-${digest.slice(0, 16)}`
}

function metadataOf(cells: Cells): TelemetryMetadata {
  const project = required(cells, 'client_id').toLowerCase()
  const status = wholeOrNull(cells, 'status_code')
  if (status === null || status > 999) throw new WrongCell('status_code', 'an HTTP status, or 0')
  const additional = additionalData(cells.additional_data)
  const message = stringAt(additional, 'error')
  const outcome = outcomeOf(status, message)
  const tokens = {
    prompt_tokens: wholeOrNull(cells, 'prompt_tokens'),
    completion_tokens: wholeOrNull(cells, 'completion_tokens'),
    total_tokens: wholeOrNull(cells, 'total_tokens'),
  }
  const target = required(cells, 'target_service')
  const model = cells.llm_model || null
  return {
    ...unknown,
    ...tokens,
    client_id: project,
    soeid: cells.soeid || null,
    project_name: cells.project_name || null,
    target_service: target,
    endpoint: required(cells, 'endpoint'),
    method: required(cells, 'method'),
    status_code: status,
    latency_ms: durationOrNull(cells, 'latency_ms') ?? missing('latency_ms'),
    request_size: wholeOrNull(cells, 'request_size') ?? 0,
    response_size: wholeOrNull(cells, 'response_size') ?? 0,
    llm_model: model,
    llm_latency: durationOrNull(cells, 'llm_latency'),
    additional_data: additional,
    project_id: project,
    user_id: cells.soeid || null,
    provider: target,
    upstream: target,
    operation: operationOf(cells),
    model_requested: model,
    upstream_status: outcome === 'interrupted' ? null : status,
    outcome,
    success: !isError(outcome),
    error_message: message,
    token_source: Object.values(tokens).some((count) => count !== null) ? 'estimated' : 'none',
    notes: [`imported from CSV, event type ${cells.event_type.slice(0, 60)}`],
  }
}

const required = (cells: Cells, column: Column): string => cells[column] || missing(column)

function missing(column: Column): never {
  throw new WrongCell(column, 'a value')
}

/** ISO 8601; one without a zone is in UTC, as predecessors wrote them. */
function moment(text: string): number {
  const [, day, time, zone = 'Z'] = isoMoment.exec(text) ?? []
  const atMs = Date.parse(`${day}T${time}${zone}`)
  if (!(atMs >= 0)) throw new WrongCell('timestamp', 'a moment such as 2026-11-21T10:15:30Z')
  return atMs
}

const isoMoment = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?$/

function durationOrNull(cells: Cells, column: Column): number | null {
  const text = cells[column]
  if (text === '') return null
  if (!/^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(Number(text)))
    throw new WrongCell(column, 'milliseconds')
  return Number(text)
}

/** Table programs write whole numbers as `12.0` where others in the column are missing. */
function wholeOrNull(cells: Cells, column: Column): number | null {
  const text = cells[column]
  if (text === '') return null
  if (!/^\d{1,15}(\.0+)?$/.test(text)) throw new WrongCell(column, 'a whole number')
  return Number(text)
}

function additionalData(text: string): JsonObject | null {
  if (text === '') return null
  const value = parseJson(text)?.value
  if (!isObject(value)) throw new WrongCell('additional_data', 'a JSON object')
  return value
}

function outcomeOf(status: number, error: string | null): Outcome {
  if (status === 0) return 'interrupted'
  if (status >= 400) return 'upstream_error_http'
  return error === null ? 'ok' : 'upstream_error_stream'
}

function operationOf({ event_type, endpoint }: Cells): Operation {
  if (event_type !== 'llm_request') return 'other'
  return operationPaths.find(([path]) => path.test(endpoint))?.[1] ?? 'completion'
}

const operationPaths: readonly (readonly [path: RegExp, operation: Operation])[] = [
  [/embed/i, 'embeddings'],
  [/chat|messages|responses|generateContent/i, 'chat'],
  [/images\//i, 'images'],
  [/audio\/speech/i, 'speech'],
  [/audio\/trans/i, 'transcription'],
  [/moderations/i, 'moderation'],
]

type Known =
  | 'client_id'
  | 'soeid'
  | 'project_name'
  | 'target_service'
  | 'endpoint'
  | 'method'
  | 'status_code'
  | 'latency_ms'
  | 'request_size'
  | 'response_size'
  | 'prompt_tokens'
  | 'completion_tokens'
  | 'total_tokens'
  | 'llm_model'
  | 'llm_latency'
  | 'additional_data'
  | 'project_id'
  | 'user_id'
  | 'provider'
  | 'upstream'
  | 'operation'
  | 'model_requested'
  | 'upstream_status'
  | 'outcome'
  | 'success'
  | 'error_message'
  | 'token_source'
  | 'notes'

/** What no column holds. */
const unknown: Omit<TelemetryMetadata, Known> = {
  organisation_id: null,
  experiment_id: null,
  session_id: null,
  environment: null,
  traceparent: null,
  key_id: null,
  key_name: null,
  stream: false,
  model_served: null,
  http_version: '',
  upstream_request_id: null,
  rate_limits: null,
  limits: null,
  retry_after_ms: null,
  retry_advised: null,
  upstream_region: null,
  upstream_account: null,
  client_retries: null,
  end_by: null,
  end_phase: 'done',
  finish_reason: null,
  error_type: null,
  error_code: null,
  parse_note: null,
  ttfb_ms: null,
  ttft_ms: null,
  ttft_answer_ms: null,
  last_content_ms: null,
  inter_token_mean_ms: null,
  inter_token_p95_ms: null,
  queue_ms: null,
  upstream_ms: null,
  overhead_ms: null,
  provider_ms: null,
  provider_ttft_ms: null,
  output_tokens_per_second: null,
  tokenizer: null,
  usage: null,
  cost_picodollars: null,
  cost_usd: null,
  cost_estimated: false,
  unpriced_reason: null,
  price_version: null,
  price_terms: null,
  request_sha256: null,
  response_sha256: null,
  content_type: null,
  content_encoding: null,
  capture_request: 'off',
  capture_response: 'off',
  masked: false,
  usage_asked: false,
  withheld_bytes: 0,
}

/** The run of an imported call: the numbers again, and nothing of what was said. */
function runOf({ _id, request_id, timestamp, timestamp_ms, metadata }: TelemetryRecord): RunRecord {
  const { prompt_tokens, completion_tokens, total_tokens, latency_ms } = metadata
  return {
    _id,
    request_id,
    timestamp,
    timestamp_ms,
    soeid: metadata.soeid,
    project_name: metadata.project_name,
    project_id: metadata.project_id,
    key_id: null,
    provider: metadata.provider,
    operation: metadata.operation,
    model: metadata.llm_model ?? 'unknown',
    prompt: null,
    completion: null,
    temperature: numberAt(metadata.additional_data, 'temperature'),
    max_tokens: numberAt(metadata.additional_data, 'max_tokens'),
    prompt_tokens,
    completion_tokens,
    total_tokens,
    latency_ms,
    model_name: metadata.llm_model,
    model_version: null,
    prompt_length: null,
    response_length: null,
    response_time_ms: latency_ms,
    queue_time_ms: null,
    processing_time_ms: null,
    tokens_per_second: null,
    success: metadata.success,
    error_message: metadata.error_message,
    metadata: {},
    messages: [],
    choices: [],
    tools: [],
    reasoning: null,
    tool_calls: [],
    refusal: null,
    parameters: {},
    finish_reason: null,
    finish_reason_raw: null,
    response_id: null,
    system_fingerprint: null,
    service_tier: null,
    text_truncated: false,
    outcome: metadata.outcome,
    status_code: metadata.status_code,
    token_source: metadata.token_source,
    cost_usd: null,
    bill: [],
    raw_usage: null,
    request_headers: [],
    response_headers: [],
    events: { events: 0, content_events: 0, bad_events: 0, comments: 0 },
    request_body: bodyOf(metadata.request_size),
    response_body: bodyOf(metadata.response_size),
  }
}

const bodyOf = (size: number): BodyFacts => ({
  size,
  sha256: null,
  kept: 0,
  truncated: size > 0,
  coding: 'identity',
  content_type: null,
  content_encoding: null,
})
