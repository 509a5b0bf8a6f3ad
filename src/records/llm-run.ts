import type { BilledLine } from './bill.ts'
import type { Count } from './count.ts'
import type { HeaderPairs } from './exchange.ts'
import type { FinishReason, Operation, Outcome } from './outcome.ts'
import type { TokenSource } from './usage.ts'

/** One document per call: what was asked and answered (contracts 2.2 `llm_runs`, 3.1 InferenceMetrics), also of failed ones. */
export interface RunRecord {
  _id: string
  request_id: string
  timestamp: string
  timestamp_ms: number

  // llm_runs
  soeid: string | null
  project_name: string | null
  project_id: string
  key_id: string | null
  provider: string
  operation: Operation
  model: string
  prompt: string | null
  completion: string | null
  temperature: number | null
  max_tokens: Count
  prompt_tokens: Count
  completion_tokens: Count
  total_tokens: Count
  latency_ms: number

  // InferenceMetrics
  model_name: string | null
  model_version: string | null
  prompt_length: Count
  response_length: Count
  response_time_ms: number
  queue_time_ms: number | null
  processing_time_ms: number | null
  tokens_per_second: number | null
  success: boolean
  error_message: string | null
  /** The server's own counters and times (`eval_count`, `eval_duration_ms`, `ollama_response` …). */
  metadata: Record<string, unknown>

  // the conversation
  messages: readonly unknown[]
  choices: readonly unknown[]
  tools: readonly string[]
  reasoning: string | null
  tool_calls: readonly unknown[]
  refusal: string | null
  parameters: Record<string, unknown>
  finish_reason: FinishReason | null
  finish_reason_raw: string | null
  response_id: string | null
  system_fingerprint: string | null
  service_tier: string | null
  text_truncated: boolean

  outcome: Outcome
  status_code: number
  token_source: TokenSource
  cost_usd: number | null
  /** Empty where there is no cost. */
  bill: readonly BilledLine[]
  raw_usage: unknown
  request_headers: HeaderPairs
  response_headers: HeaderPairs
  events: EventCounts

  /** How each body is kept; the bytes are beside the document (`StoredRecord`). */
  request_body: BodyFacts
  response_body: BodyFacts
}

export interface EventCounts {
  events: number
  content_events: number
  bad_events: number
  comments: number
}

export interface BodyFacts {
  /** Bytes that passed. */
  size: number
  sha256: string | null
  /** Bytes that are kept (before compression), from the start. */
  kept: number
  truncated: boolean
  coding: 'identity' | 'zstd'
  content_type: string | null
  content_encoding: string | null
}
