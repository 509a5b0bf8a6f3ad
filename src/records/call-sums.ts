/** The aggregates of contracts 2.4: each call counts once. Fractions are from 0 to 1; null where there was no call. */
export interface CallSums {
  /** Recorded requests: calls of models, and lists and probes beside them. */
  requests_total: number
  requests_last_hour: number
  avg_latency_ms: number | null
  error_rate: number | null
  token_usage_total: number
  /** Calls of models. */
  llm_runs_total: number
}
