import type { PriceTerms } from './bill.ts'
import type { Count } from './count.ts'
import type { CallContext, Capture, HeaderPairs } from './exchange.ts'
import type { EndBy, FinishReason, Operation, Outcome, Phase } from './outcome.ts'
import type { RateLimit } from './rate-limit.ts'
import type { StoredNames } from './stored-names.ts'
import type { TokenSource, Usage } from './usage.ts'

/**
 * One document per call: numbers and names, never what was said (contracts 2.2, 3.1). `_id` is the exchange's id, in every
 * sink. All durations in milliseconds, sizes in bytes, lengths in characters, money as text where exactness matters.
 */
export interface TelemetryRecord {
  _id: string
  request_id: string
  event_type: 'llm_request' | 'direct_request'
  /** ISO 8601, UTC: when the request was accepted. */
  timestamp: string
  timestamp_ms: number
  client_ip: string
  instance: string
  /** Version of the program that made the record; null for imported ones. */
  program_version: string | null
  metadata: TelemetryMetadata
}

export interface TelemetryMetadata {
  // contracts 2.2
  client_id: string
  soeid: string | null
  project_name: string | null
  target_service: string
  endpoint: string
  method: string
  /** What the client was sent; 0 when it was sent nothing. */
  status_code: number
  latency_ms: number
  request_size: number
  response_size: number
  prompt_tokens: Count
  completion_tokens: Count
  total_tokens: Count
  llm_model: string | null
  /** Until the upstream's answer was complete, without our own queue and overhead. */
  llm_latency: number | null
  additional_data: Record<string, unknown> | null

  // identity
  project_id: string
  organisation_id: string | null
  user_id: string | null
  experiment_id: string | null
  session_id: string | null
  environment: string | null
  traceparent: string | null
  key_id: string | null
  key_name: string | null

  // the call
  provider: string
  upstream: string
  operation: Operation
  stream: boolean
  model_requested: string | null
  model_served: string | null
  http_version: string
  upstream_status: Count
  upstream_request_id: string | null
  rate_limits: Record<string, string> | null
  /** The same limits in one vocabulary; those that nobody can read are in `rate_limits` alone. */
  limits: readonly RateLimit[] | null
  retry_after_ms: number | null
  /** What the vendor tells the client's SDK to do (`x-should-retry`). */
  retry_advised: boolean | null
  upstream_region: string | null
  upstream_account: string | null
  /** How often the SDK had tried before (`x-stainless-retry-count`). */
  client_retries: Count

  // the end
  outcome: Outcome
  success: boolean
  end_by: EndBy | null
  end_phase: Phase
  finish_reason: FinishReason | null
  error_type: string | null
  error_code: string | null
  error_message: string | null
  /** Why the answer is not what its path and its request promise, or could not be read as that. */
  parse_note: string | null

  // time
  ttfb_ms: number | null
  ttft_ms: number | null
  ttft_answer_ms: number | null
  last_content_ms: number | null
  inter_token_mean_ms: number | null
  inter_token_p95_ms: number | null
  /** Time of ours before the upstream was called: waiting for the journal and, later, for a place. */
  queue_ms: number | null
  /** Time the upstream took: from the call to its last byte. */
  upstream_ms: number | null
  /** `latency_ms` less `upstream_ms` and less the time the client took to send its request. */
  overhead_ms: number | null
  /** What the server itself reported (`openai-processing-ms`, Groq's `total_time`, Ollama's `total_duration`). */
  provider_ms: number | null
  /** The server's own time to its first token, where it reports one. */
  provider_ttft_ms: number | null
  output_tokens_per_second: number | null

  // tokens and money
  token_source: TokenSource
  tokenizer: string | null
  usage: StoredNames<Usage> | null
  /** Whole 10⁻¹² dollars as decimal text; null when the price or the usage is unknown. */
  cost_picodollars: string | null
  cost_usd: number | null
  cost_estimated: boolean
  unpriced_reason: string | null
  price_version: string | null
  /** Null: nothing but provider, model, time and usage decided the price. */
  price_terms: PriceTerms | null

  // bytes
  request_sha256: string | null
  response_sha256: string | null
  content_type: string | null
  content_encoding: string | null
  capture_request: Capture
  capture_response: Capture
  masked: boolean
  /** The upstream was asked for the usage of this stream, and the client had not asked. */
  usage_asked: boolean
  /** Bytes of the answer, before compression, that the client was not sent for that reason. Null: the process died. */
  withheld_bytes: Count
  notes: readonly string[]
}

/** The parts of an exchange's opening that telemetry takes over unread. */
export type { CallContext, HeaderPairs }
