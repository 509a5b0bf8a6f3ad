import { arrayAt, objectOf, stringAt } from './json.ts'
import type { RunRecord } from './llm-run.ts'
import type { TelemetryMetadata, TelemetryRecord } from './telemetry.ts'

/**
 * One call as a log document of OpenTelemetry's shape (contracts 5.2). Everything in it comes from the record, so that it is the
 * same wherever and whenever it is made. All durations are whole milliseconds, all sizes whole bytes.
 */
export interface OtelLog {
  /** RFC 3339: when the request was accepted. */
  timestamp: string
  resource: {
    'service.name': string
    'service.version': string
    'deployment.environment': string
  }
  name: 'ai_gateway_request_log'
  attributes: OtelAttributes
}

interface OtelAttributes {
  id: string
  /** The session or thread that the client named, else one of this call alone. */
  thread_id: string
  org_id: string | null
  user_id: string | null
  project_id: string | null
  experiment_id: string | null
  provider: string
  model: string | null
  request: unknown
  response: unknown
  /** Only where it is true: the body is not all that passed. */
  request_truncated?: true | undefined
  response_truncated?: true | undefined
  metadata: OtelMetadata
}

interface OtelMetadata {
  project_id: string | null
  project_name: string | null
  latency: number
  ttfb: number | null
  tokens: { input: number | null; output: number | null; total: number | null }
  cost: number | null
  status: 'success' | 'error'
  path: string
  method: string
  request_size: number
  response_size: number
  /** From the call of the upstream to its last byte, as measured here. */
  provider_latency: number | null
  /** What the server itself said it took; only where it did. */
  provider_reported_latency?: number | undefined
  status_code: number
  provider_status_code: number | null
  error_count: number
  error_type: string | null
  provider_error_count: number
  provider_error_type: string | null
  provider_request_id: string | null
}

/** A body as a value: `formats/body-value.ts` reads one from kept bytes. */
export interface LoggedBody {
  value: unknown
  /** Values of a stream, in order; null: no stream. */
  chunks: readonly unknown[] | null
  cut: boolean
}

export interface LoggedCall {
  telemetry: TelemetryRecord
  run: RunRecord
  request: LoggedBody
  response: LoggedBody
}

/** `environment`: where the call itself named none. */
export function otelLog({ telemetry, run, request, response }: LoggedCall, environment: string): OtelLog {
  const { metadata } = telemetry
  const key = telemetry._id.replaceAll('-', '')
  return {
    timestamp: telemetry.timestamp,
    resource: {
      'service.name': 'sightglass',
      'service.version': telemetry.program_version ?? 'unknown',
      'deployment.environment': metadata.environment ?? environment,
    },
    name: 'ai_gateway_request_log',
    attributes: {
      id: `msg_${key}`,
      thread_id: metadata.session_id ?? `thread_${key}`,
      org_id: metadata.organisation_id,
      user_id: metadata.user_id,
      project_id: metadata.project_id,
      experiment_id: metadata.experiment_id,
      provider: metadata.provider,
      model: metadata.llm_model,
      request: request.value ?? request.chunks,
      response: response.chunks === null ? response.value : streamed(run, response),
      ...(request.cut ? { request_truncated: true as const } : {}),
      ...(response.cut && response.chunks === null ? { response_truncated: true as const } : {}),
      metadata: metadataOf(metadata),
    },
  }
}

/** The answer as a whole, and the chunks it came in. */
function streamed(run: RunRecord, { chunks, cut }: LoggedBody): unknown {
  return {
    id: run.response_id,
    model: run.model_name,
    choices: run.choices.map((choice, place) => {
      const { index, text, reasoning, refusal } = objectOf(choice)
      const calls = arrayAt(choice, 'tool_calls')
      return {
        index: index ?? place,
        delta: {
          role: 'assistant',
          content: text ?? null,
          ...(reasoning ? { reasoning } : {}),
          ...(refusal ? { refusal } : {}),
          ...(calls.length > 0 ? { tool_calls: calls.map(toolCall) } : {}),
        },
        finish_reason: stringAt(choice, 'finish_reason_raw') ?? stringAt(choice, 'finish_reason'),
      }
    }),
    usage: run.raw_usage ?? null,
    streamed_data: chunks,
    ...(cut ? { streamed_data_truncated: true } : {}),
  }
}

function toolCall(call: unknown) {
  const { id, name, arguments: given } = objectOf(call)
  return { id: id ?? null, type: 'function', function: { name: name ?? null, arguments: given ?? '' } }
}

function metadataOf(call: TelemetryMetadata): OtelMetadata {
  const errors = errorsOf(call)
  const reported = whole(call.provider_ms)
  return {
    project_id: call.project_id,
    project_name: call.project_name,
    latency: whole(call.latency_ms) ?? 0,
    ttfb: whole(call.ttfb_ms),
    tokens: { input: call.prompt_tokens, output: call.completion_tokens, total: call.total_tokens },
    cost: call.cost_usd,
    status: errors.error_count + errors.provider_error_count > 0 ? 'error' : 'success',
    path: call.endpoint,
    method: call.method,
    request_size: call.request_size,
    response_size: call.response_size,
    provider_latency: whole(call.upstream_ms),
    ...(reported === null ? {} : { provider_reported_latency: reported }),
    status_code: call.status_code,
    provider_status_code: call.upstream_status,
    ...errors,
    provider_request_id: call.upstream_request_id,
  }
}

/** Whole milliseconds; what took any time at all took one. */
const whole = (ms: number | null): number | null => (ms === null ? null : ms > 0 ? Math.max(1, Math.round(ms)) : 0)

/** Failures that the provider's answer is to blame for; all others are the gateway's, also those of a client that left. */
const providers: ReadonlySet<string> = new Set([
  'upstream_error_http',
  'upstream_error_stream',
  'upstream_cut',
  'empty',
])

type Errors = Pick<OtelMetadata, 'error_count' | 'error_type' | 'provider_error_count' | 'provider_error_type'>

function errorsOf({ success, outcome, error_type }: TelemetryMetadata): Errors {
  const none = { error_count: 0, error_type: null, provider_error_count: 0, provider_error_type: null }
  if (success) return none
  const type = error_type ?? outcome
  return providers.has(outcome)
    ? { ...none, provider_error_count: 1, provider_error_type: type }
    : { ...none, error_count: 1, error_type: type }
}
