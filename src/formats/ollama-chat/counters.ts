import { without } from '../../records/count.ts'
import { countAt, type JsonObject, numberAt } from '../../records/json.ts'
import { type Usage, unknownUsage } from '../../records/usage.ts'
import type { ServerTimings } from '../decoder.ts'

/**
 * Tokens of the object with `done: true`. The server leaves out counters that are zero, and some releases also leave out the
 * prompt's when it was cached. So a missing `prompt_eval_count` is unknown (no prompt has zero tokens), and a missing
 * `eval_count` is zero only where the prompt was counted and nothing was generated.
 */
export function usageOf(part: JsonObject, generated: boolean): Usage | null {
  const input = countAt(part, 'prompt_eval_count')
  const cacheRead = countAt(part, 'prompt_eval_cached_count')
  const output = countAt(part, 'eval_count') ?? (input !== null && !generated ? 0 : null)
  if (input === null && output === null) return null
  return {
    ...unknownUsage,
    input,
    inputUncached: without(input, cacheRead),
    cacheRead,
    output,
  }
}

/** Durations are nanoseconds on the wire. */
export const timingsOf = (part: JsonObject): ServerTimings => ({
  queueMs: null,
  loadMs: milliseconds(part, 'load_duration'),
  promptMs: milliseconds(part, 'prompt_eval_duration'),
  generationMs: milliseconds(part, 'eval_duration'),
  totalMs: milliseconds(part, 'total_duration'),
})

const milliseconds = (part: JsonObject, field: string): number | null => {
  const nanoseconds = numberAt(part, field)
  return nanoseconds === null || nanoseconds < 0 ? null : nanoseconds / 1e6
}

/** The server's own counters and durations, as sent; null when it sent none. */
export function countersOf(part: JsonObject): JsonObject | null {
  const found = Object.entries(part).filter(([name]) => name.endsWith('_count') || name.endsWith('_duration'))
  return found.length === 0 ? null : Object.fromEntries(found)
}
