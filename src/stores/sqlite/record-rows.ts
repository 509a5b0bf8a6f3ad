import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { StoredRecord } from '../../records/stored.ts'
import type { CallFacts } from '../rollups/facts.ts'

/** Writes one record into its two tables; false when a record with that id is there already. */
export function recordWriter(database: DatabaseSync): (record: StoredRecord, facts: CallFacts) => boolean {
  const names = Object.keys(columns).map((name) => `"${name}"`)
  const telemetry = database.prepare(
    `INSERT INTO telemetry (id, ${names.join(', ')}, document) VALUES (?, ${names.map(() => '?').join(', ')}, ?)
     ON CONFLICT (id) DO NOTHING`,
  )
  const run = database.prepare(
    `INSERT INTO llm_runs (seq, prompt, completion, document, request_bytes, response_bytes, chunk_times)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const values = Object.values(columns)
  return (record, facts) => {
    const inserted = telemetry.run(
      record.telemetry._id,
      ...values.map((value) => value(facts)),
      JSON.stringify(record.telemetry),
    )
    if (inserted.changes === 0) return false
    const { prompt, completion, ...document } = record.run
    run.run(
      inserted.lastInsertRowid,
      prompt,
      completion,
      JSON.stringify(document),
      record.requestBytes,
      record.responseBytes,
      record.chunkTimes,
    )
    return true
  }
}

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

export const factColumns: readonly string[] = Object.keys(columns)
