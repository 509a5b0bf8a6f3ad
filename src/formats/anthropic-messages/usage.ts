import { type Count, sumKnown } from '../../records/count.ts'
import { countAt, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import { type Usage, unknownUsage } from '../../records/usage.ts'
import { decimalText } from '../decimal-text.ts'

/**
 * Counters of one message. Every report holds totals so far: a later value replaces an earlier one, field by field, and
 * nothing is added up. `input_tokens` leaves out what was read from or written to the cache.
 */
export class MessageUsage {
  readonly #guessesInput: boolean
  #reported: JsonObject = {}
  #inputIsKnown = false
  #outputIsFinal = false

  constructor(guessesInput: boolean) {
    this.#guessesInput = guessesInput
  }

  /** Of `message_start`: its `output_tokens` is a placeholder, so the output stays unknown if nothing follows. */
  begin(usage: unknown): void {
    if (this.#outputIsFinal) return
    this.#merge(usage)
    if (!this.#guessesInput) this.#inputIsKnown = true
  }

  /** Of `message_delta` or of an answer that is no stream. */
  update(usage: unknown): void {
    this.#merge(usage)
    if (countAt(usage, 'input_tokens') !== null) this.#inputIsKnown = true
    if (countAt(usage, 'output_tokens') !== null) this.#outputIsFinal = true
  }

  get serviceTier(): string | null {
    return stringAt(this.#reported, 'service_tier')
  }

  /** As reported, merged; null when nothing was. */
  get raw(): JsonObject | null {
    return Object.keys(this.#reported).length === 0 ? null : this.#reported
  }

  /** Null when no counter was reported, or only zeros. */
  result(): Usage | null {
    const reported = this.#reported
    const inputUncached = this.#inputIsKnown ? countAt(reported, 'input_tokens') : null
    const cacheRead = countAt(reported, 'cache_read_input_tokens')
    const cacheWrite1h = countAt(reported, 'cache_creation', 'ephemeral_1h_input_tokens')
    const cacheWrite =
      countAt(reported, 'cache_creation_input_tokens') ??
      sumKnown(countAt(reported, 'cache_creation', 'ephemeral_5m_input_tokens'), cacheWrite1h)
    const output = this.#outputIsFinal ? countAt(reported, 'output_tokens') : null
    const counts: Count[] = [inputUncached, cacheRead, cacheWrite, output]
    if (counts.every((count) => count === null || count === 0)) return null
    return {
      ...unknownUsage,
      input: inputUncached === null ? null : sumKnown(inputUncached, cacheRead, cacheWrite),
      inputUncached,
      cacheRead,
      cacheWrite,
      cacheWrite1h,
      output,
      reasoning: countAt(reported, 'output_tokens_details', 'thinking_tokens'),
      webSearches: countAt(reported, 'server_tool_use', 'web_search_requests'),
      costReportedUsd: decimalText(reported.cost), // OpenRouter
    }
  }

  #merge(usage: unknown): void {
    if (!isObject(usage)) return
    const present = Object.entries(usage).filter(([, value]) => value !== null && value !== undefined)
    this.#reported = { ...this.#reported, ...Object.fromEntries(present) }
  }
}
