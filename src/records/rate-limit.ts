/** One of the limits that an answer's headers tell of, whatever vendor named it how. */
export interface RateLimit {
  /** `requests`, `tokens`, `input_tokens`; with its window where the vendor says one: `tokens_minute`, `requests_day`. */
  name: string
  limit: number | null
  remaining: number | null
  /** From the answer's head until the limit is full again. */
  reset_ms: number | null
}
