import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { operations, outcomes } from '../../records/outcome.ts'
import type { StoredRecord } from '../../records/stored.ts'
import type { CallFacts } from '../rollups/facts.ts'

/** Writes one record into its two tables; false when a record with that id is there already. */
export function recordWriter(database: DatabaseSync): (record: StoredRecord, facts: CallFacts) => boolean {
  const names = Object.keys(columns).map((name) => `"${name}"`)
  const telemetry = database.prepare(
    `INSERT INTO telemetry (id, keeps, ${names.join(', ')}) VALUES (?, ?, ${names.map(() => '?').join(', ')})
     ON CONFLICT (id) DO NOTHING`,
  )
  const documents = database.prepare(
    `INSERT INTO documents (seq, telemetry, prompt, completion, run, request_bytes, response_bytes, chunk_times)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const values = Object.values(columns)
  return (record, facts) => {
    const hasBytes = record.requestBytes !== null || record.responseBytes !== null || record.chunkTimes !== null
    const keeps = hasBytes ? keeping.bodies : keeping.words
    const inserted = telemetry.run(record.telemetry._id, keeps, ...values.map((value) => value(facts)))
    if (inserted.changes === 0) return false
    const { prompt, completion, ...run } = record.run
    documents.run(
      inserted.lastInsertRowid,
      JSON.stringify(record.telemetry),
      prompt,
      completion,
      JSON.stringify(run),
      record.requestBytes,
      record.responseBytes,
      record.chunkTimes,
    )
    return true
  }
}

/** What is kept of a call beside its numbers: the column `keeps` of `telemetry`. Each holds what comes before it too. */
export const keeping = { numbers: 0, words: 1, bodies: 2 } as const

/** The columns of `telemetry` that hold a call's facts, in the order of the table. */
const columns: Readonly<Record<string, (facts: CallFacts) => SQLInputValue>> = {
  timestamp_ms: (facts) => facts.timestampMs,
  project: (facts) => facts.project,
  key: (facts) => facts.key,
  user: (facts) => facts.user,
  session: (facts) => facts.session,
  provider: (facts) => facts.provider,
  model: (facts) => facts.model,
  operation: (facts) => facts.operation,
  model_call: (facts) => Number(facts.modelCall),
  outcome: (facts) => facts.outcome,
  error: (facts) => Number(facts.error),
  status_code: (facts) => facts.statusCode,
  latency_ms: (facts) => facts.latencyMs,
  ttft_ms: (facts) => facts.ttftMs,
  input_tokens: (facts) => facts.inputTokens,
  cached_input_tokens: (facts) => facts.cachedInputTokens,
  cache_write_tokens: (facts) => facts.cacheWriteTokens,
  output_tokens: (facts) => facts.outputTokens,
  reasoning_tokens: (facts) => facts.reasoningTokens,
  total_tokens: (facts) => facts.totalTokens,
  estimated: (facts) => Number(facts.estimated),
  unpriced: (facts) => Number(facts.unpriced),
  picodollars: (facts) => facts.picodollars?.toString() ?? null,
  request_bytes: (facts) => facts.requestBytes,
  response_bytes: (facts) => facts.responseBytes,
  generation_ms: (facts) => facts.generationMs,
  generated_tokens: (facts) => facts.generatedTokens,
  gaps: (facts) => facts.gaps,
}

/** The facts' columns as a SELECT wants them; `factsFrom` reads such a row. */
export const factSelection = Object.keys(columns)
  .map((name) => `"${name}"`)
  .join(', ')

export function factsFrom(row: Record<string, SQLOutputValue>): CallFacts {
  return {
    timestampMs: Number(row.timestamp_ms),
    project: String(row.project),
    key: textOrNull(row.key),
    user: textOrNull(row.user),
    session: textOrNull(row.session),
    provider: String(row.provider),
    model: textOrNull(row.model),
    operation: operations.find((operation) => operation === row.operation) ?? 'other',
    modelCall: row.model_call === 1,
    outcome: outcomes.find((outcome) => outcome === row.outcome) ?? 'interrupted',
    error: row.error === 1,
    statusCode: Number(row.status_code),
    latencyMs: Number(row.latency_ms),
    ttftMs: row.ttft_ms === null ? null : Number(row.ttft_ms),
    inputTokens: Number(row.input_tokens),
    cachedInputTokens: Number(row.cached_input_tokens),
    cacheWriteTokens: Number(row.cache_write_tokens),
    outputTokens: Number(row.output_tokens),
    reasoningTokens: Number(row.reasoning_tokens),
    totalTokens: Number(row.total_tokens),
    estimated: row.estimated === 1,
    unpriced: row.unpriced === 1,
    picodollars: row.picodollars === null ? null : BigInt(String(row.picodollars)),
    requestBytes: Number(row.request_bytes),
    responseBytes: Number(row.response_bytes),
    generationMs: Number(row.generation_ms),
    generatedTokens: Number(row.generated_tokens),
    gaps: bytesOf(row.gaps),
  }
}

export const textOrNull = (value: SQLOutputValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value)

export function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError(`a column of bytes holds ${typeof value}`)
}
