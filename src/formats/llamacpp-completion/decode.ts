import { sumKnown, without } from '../../records/count.ts'
import { countAt, isObject, type JsonObject, numberAt, stringAt } from '../../records/json.ts'
import { type Usage, unknownUsage } from '../../records/usage.ts'
import { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { finishReason } from '../finish-reasons.ts'

const mostPrompts = 256

/** Pieces with `content` and counts so far, the last with `stop: true`; or one object (a list of them for several prompts). */
export function nativeDecoder(): Decoder {
  const answer = new Answer()
  const counts = new Map<number, JsonObject>()

  const read = (part: unknown, place: number): void => {
    const error = errorIn(part)
    if (error) answer.fail(error)
    if (!isObject(part) || typeof part.content !== 'string') return
    const index = countAt(part, 'index') ?? place
    answer.identify(null, part.model)
    answer.text(index, part.content)
    if (counts.has(index) || counts.size < mostPrompts) counts.set(index, part)
    if (part.stop !== true) return
    const raw = stringAt(part, 'stop_type')
    if (raw && raw !== 'none') answer.finish(index, raw, finishReason(raw))
  }

  return {
    push(value, atMs) {
      answer.event(atMs)
      read(value, 0)
    },
    whole(value) {
      answer.terminated = true
      if (Array.isArray(value)) value.forEach(read)
      else read(value, 0)
    },
    done() {
      answer.terminated = true
    },
    finish() {
      const last = [...counts.values()]
      answer.terminated ||= last.length > 0 && last.every((part) => part.stop === true)
      answer.usage = total(last.map(usageOf))
      answer.tokenSource = 'reported'
      answer.rawUsage = last.length === 0 ? null : last.map(countersOf)
      answer.timings = {
        ...answer.timings,
        promptMs: sumOf(last, 'prompt_ms'),
        generationMs: sumOf(last, 'predicted_ms'),
      }
      return answer.result()
    },
  }
}

/** The prompt with what the cache held of it, and the output so far. */
function usageOf(part: JsonObject): Usage {
  const input = countAt(part, 'tokens_evaluated')
  const cacheRead = countAt(part, 'timings', 'cache_n')
  return {
    ...unknownUsage,
    input,
    inputUncached: without(input, cacheRead),
    cacheRead,
    output: countAt(part, 'tokens_predicted'),
  }
}

/** Each prompt is another one: all of them count. */
function total(parts: readonly Usage[]): Usage | null {
  const sum = (field: 'input' | 'inputUncached' | 'cacheRead' | 'output') =>
    sumKnown(...parts.map((part) => part[field]))
  const usage = {
    ...unknownUsage,
    input: sum('input'),
    inputUncached: sum('inputUncached'),
    cacheRead: sum('cacheRead'),
    output: sum('output'),
  }
  return usage.input === null && usage.output === null ? null : usage
}

const sumOf = (parts: readonly JsonObject[], name: string): number | null =>
  sumKnown(...parts.map((part) => numberAt(part, 'timings', name)))

const countersOf = ({ tokens_evaluated, tokens_predicted, tokens_cached, timings }: JsonObject): JsonObject => ({
  tokens_evaluated,
  tokens_predicted,
  ...(tokens_cached !== undefined && { tokens_cached }),
  ...(timings !== undefined && { timings }),
})
