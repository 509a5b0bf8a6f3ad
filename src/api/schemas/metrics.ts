import { z } from '@hono/zod-openapi'
import { amountOrNull, count, oneOf, text } from './field.ts'

export const metrics = z
  .object({
    timestamp: text('when these were added up; ISO 8601, UTC'),
    requests_total: count('recorded since the data directory was made, each once; lists and probes too', 'calls'),
    requests_last_hour: count('of them, in the last 60 minutes', 'calls'),
    avg_latency_ms: amountOrNull('mean over all of them', 'ms'),
    error_rate: amountOrNull('fraction of them that ended in an error, from 0 to 1', 'number'),
    token_usage_total: count('input and output', 'tokens'),
    llm_runs_total: count('calls of models', 'calls'),
    database_status: oneOf(['connected', 'fallback'], 'whether records reach the database that the settings name'),
  })
  .openapi('Metrics')
