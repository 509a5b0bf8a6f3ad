import { isError, modelOperations, type Operation, type Outcome } from '../../records/outcome.ts'
import type { StoredRecord } from '../../records/stored.ts'
import type { TelemetryMetadata } from '../../records/telemetry.ts'
import { Histogram } from './histogram.ts'
import { NumberWriter } from './varints.ts'

/** What lookups need of one call, in columns: rollups are sums of these, and so are the edges that come from records. */
export interface CallFacts {
  timestampMs: number
  project: string
  key: string | null
  user: string | null
  session: string | null
  provider: string
  model: string | null
  operation: Operation
  modelCall: boolean
  outcome: Outcome
  error: boolean
  statusCode: number
  latencyMs: number
  ttftMs: number | null
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
  reasoningTokens: number
  totalTokens: number
  estimated: boolean
  unpriced: boolean
  picodollars: bigint | null
  requestBytes: number
  responseBytes: number
  /** Time in which `generatedTokens` were made; 0 where the speed is unknown. */
  generationMs: number
  generatedTokens: number
  /** Encoded histogram of the gaps between content events. */
  gaps: Uint8Array
}

/** The fields of telemetry that facts are made of. */
export interface CallNumbers {
  _id: string
  timestamp_ms: number
  metadata: Pick<TelemetryMetadata, (typeof factFields)[number]>
}

export const factFields = [
  'project_id',
  'key_id',
  'user_id',
  'session_id',
  'provider',
  'llm_model',
  'operation',
  'outcome',
  'status_code',
  'latency_ms',
  'ttft_ms',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'usage',
  'token_source',
  'cost_picodollars',
  'request_size',
  'response_size',
  'output_tokens_per_second',
] as const satisfies (keyof TelemetryMetadata)[]

/** Throws a RangeError for numbers that cannot be true: one wrong sum would stay wrong for ever. */
export const factsOf = ({ telemetry, gapsMs, gaps }: StoredRecord): CallFacts =>
  factsOfCall(telemetry, gaps ?? (gapsMs.length === 0 ? noGaps : encoded(gapsMs)))

/** The same of a call that was stored: its gaps are kept as the encoded histogram that its facts held. */
export function factsOfCall(telemetry: CallNumbers, gaps: Uint8Array): CallFacts {
  const call = telemetry.metadata
  const { usage } = call
  const inputTokens = usage?.input ?? call.prompt_tokens ?? 0
  const outputTokens = usage?.output ?? call.completion_tokens ?? 0
  const totalTokens = call.total_tokens ?? inputTokens + outputTokens
  const counts = {
    inputTokens,
    cachedInputTokens: usage?.cache_read ?? 0,
    cacheWriteTokens: usage?.cache_write ?? 0,
    outputTokens,
    reasoningTokens: usage?.reasoning ?? 0,
    totalTokens,
    requestBytes: call.request_size,
    responseBytes: call.response_size,
  }
  for (const [name, count] of Object.entries(counts)) {
    if (!(count >= 0 && Number.isInteger(count)))
      throw new RangeError(`${telemetry._id}: ${name} is ${count}, no count`)
  }
  const picodollars = call.cost_picodollars === null ? null : BigInt(call.cost_picodollars)
  if (picodollars !== null && picodollars < 0n) throw new RangeError(`${telemetry._id}: costs ${picodollars}`)
  const speed = call.output_tokens_per_second
  const timed = speed !== null && speed > 0 && outputTokens > 0
  return {
    timestampMs: telemetry.timestamp_ms,
    project: call.project_id,
    key: call.key_id,
    user: call.user_id,
    session: call.session_id,
    provider: call.provider,
    model: call.llm_model,
    operation: call.operation,
    modelCall: modelOperations.has(call.operation),
    outcome: call.outcome,
    error: isError(call.outcome),
    statusCode: call.status_code,
    latencyMs: call.latency_ms,
    ttftMs: call.ttft_ms,
    ...counts,
    estimated: call.token_source === 'estimated',
    unpriced: call.cost_picodollars === null && (totalTokens > 0 || usedPieces(usage)),
    picodollars,
    generationMs: timed ? (outputTokens / speed) * 1000 : 0,
    generatedTokens: timed ? outputTokens : 0,
    gaps,
  }
}

/** Records of earlier versions do not have these fields. */
const usedPieces = (usage: TelemetryMetadata['usage']): boolean =>
  [usage?.images, usage?.audio_seconds, usage?.characters, usage?.search_units].some((count) => (count ?? 0) > 0)

const noGaps = new Uint8Array(0)
const writer = new NumberWriter()

function encoded(gapsMs: readonly number[]): Uint8Array {
  const histogram = new Histogram()
  for (const gap of gapsMs) histogram.add(gap)
  writer.clear()
  histogram.encode(writer)
  return writer.bytes()
}
