import type { RunRecord } from '../../records/llm-run.ts'
import type { TelemetryMetadata } from '../../records/telemetry.ts'

interface Fields {
  metadata: readonly (keyof TelemetryMetadata)[]
  run: readonly (keyof RunRecord)[]
}

/** What each part of a call decides in its record. Whatever is in none of them was measured once, and cannot be made again. */
export const decidedBy = {
  /** Method, path and header fields. */
  call: {
    metadata: ['operation', 'rate_limits', 'upstream_request_id', 'client_retries'],
    run: ['operation'],
  },
  /** The bytes of the request. */
  request: {
    metadata: ['model_requested'],
    run: ['prompt', 'prompt_length', 'messages', 'tools', 'parameters', 'temperature', 'max_tokens'],
  },
  /** The bytes of the answer. */
  answer: {
    metadata: ['model_served', 'finish_reason', 'outcome', 'success', 'provider_ms'],
    run: [
      'completion',
      'response_length',
      'choices',
      'reasoning',
      'tool_calls',
      'refusal',
      'finish_reason',
      'finish_reason_raw',
      'response_id',
      'system_fingerprint',
      'service_tier',
      'raw_usage',
      'events',
      'outcome',
      'success',
    ],
  },
  /** The bytes of both. */
  both: {
    metadata: ['stream', 'llm_model', 'price_terms'],
    run: ['model', 'model_name', 'model_version', 'metadata'],
  },
  /** The bytes of both, and what went wrong. */
  extra: { metadata: ['additional_data'], run: [] },
  /** What went wrong, as the answer told it. */
  error: {
    metadata: ['error_type', 'error_code', 'error_message'],
    run: ['error_message'],
  },
  /** The bytes of the answer and when they came. */
  times: {
    metadata: [
      'ttft_ms',
      'ttft_answer_ms',
      'last_content_ms',
      'inter_token_mean_ms',
      'inter_token_p95_ms',
      'output_tokens_per_second',
    ],
    run: ['tokens_per_second'],
  },
  tokens: {
    metadata: ['usage', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'token_source', 'tokenizer'],
    run: ['prompt_tokens', 'completion_tokens', 'total_tokens', 'token_source'],
  },
} as const satisfies Readonly<Record<string, Fields>>

export type DecidedBy = keyof typeof decidedBy

/** Texts that a limit may have cut when the record was made. */
export const texts: ReadonlySet<keyof RunRecord> = new Set<keyof RunRecord>([
  'prompt',
  'completion',
  'messages',
  'choices',
  'reasoning',
  'tool_calls',
  'refusal',
])

/** What a run has again from its telemetry, by both names. */
export const shared: readonly (readonly [keyof RunRecord, keyof TelemetryMetadata])[] = [
  ['soeid', 'soeid'],
  ['project_name', 'project_name'],
  ['project_id', 'project_id'],
  ['key_id', 'key_id'],
  ['provider', 'provider'],
  ['operation', 'operation'],
  ['prompt_tokens', 'prompt_tokens'],
  ['completion_tokens', 'completion_tokens'],
  ['total_tokens', 'total_tokens'],
  ['latency_ms', 'latency_ms'],
  ['model_name', 'llm_model'],
  ['success', 'success'],
  ['error_message', 'error_message'],
  ['finish_reason', 'finish_reason'],
  ['outcome', 'outcome'],
  ['status_code', 'status_code'],
  ['token_source', 'token_source'],
  ['cost_usd', 'cost_usd'],
]
