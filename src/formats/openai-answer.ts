import { isObject, type JsonObject, stringAt } from '../records/json.ts'
import { Answer } from './answer.ts'
import type { DecodeHints, Decoder, RequestFacts } from './decoder.ts'
import { errorIn } from './error-forms.ts'
import { openaiUsage } from './openai-usage.ts'

/** What a format knows besides the values of an answer. */
export interface BesidesValues {
  /** The whole text of an answer that is no JSON. */
  text?(answer: Answer, value: string): void
  /** The bytes of an answer that is no text. */
  bytes?(answer: Answer, size: number, firstAtMs: number, lastAtMs: number): void
  /** Nothing more comes, and the usage that was reported is known. */
  ended?(answer: Answer): void
}

/**
 * What all OpenAI-shaped answers share: errors, ids and usage stand at the top of each value, `[DONE]` ends a stream. `read`
 * takes the format's own part of a value.
 */
export function openaiDecoder(
  request: RequestFacts,
  hints: DecodeHints,
  read: (answer: Answer, value: JsonObject) => void,
  { text, bytes, ended }: BesidesValues = {},
): Decoder {
  const answer = new Answer()
  const usage = openaiUsage(request, hints)
  const take = (value: unknown, name: string | null): void => {
    const error = errorIn(value, name)
    if (error) answer.fail(error)
    if (!isObject(value)) return
    usage.see(value)
    answer.identify(value.id, value.model)
    answer.systemFingerprint ??= stringAt(value, 'system_fingerprint') || null
    answer.serviceTier ??= stringAt(value, 'service_tier') || null
    read(answer, value)
  }
  return {
    push(value, atMs, name) {
      answer.event(atMs)
      take(value, name)
    },
    whole(value) {
      take(value, null)
      answer.terminated = true
    },
    done() {
      answer.terminated = true
    },
    ...(text && {
      text(value) {
        text(answer, value)
        answer.terminated = true
      },
    }),
    ...(bytes && {
      bytes(size, firstAtMs, lastAtMs) {
        bytes(answer, size, firstAtMs, lastAtMs)
        answer.terminated = true
      },
    }),
    finish() {
      const { timings, ...found } = usage.read(answer.terminated)
      Object.assign(answer, found)
      answer.timings = { ...answer.timings, ...timings }
      ended?.(answer)
      return answer.result()
    },
  }
}
