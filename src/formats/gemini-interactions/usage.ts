import { arrayAt, countAt, type JsonObject, stringAt } from '../../records/json.ts'
import type { Usage } from '../../records/usage.ts'
import { billedSearches, usageOf } from '../gemini-content/usage.ts'

/** The statistics of an interaction; null when they counted nothing. Thoughts stand beside the output. */
export function interactionUsage(raw: JsonObject, model: string | null): Usage | null {
  const count = (name: string): number | null => countAt(raw, `total_${name}_tokens`)
  const details = (name: string): readonly unknown[] => arrayAt(raw, `${name}_tokens_by_modality`)
  const searches = arrayAt(raw, 'grounding_tool_count').find((tool) => stringAt(tool, 'type') === 'google_search')
  const usage = usageOf({
    prompt: count('input'),
    toolResults: count('tool_use'),
    cached: count('cached'),
    answer: count('output'),
    thoughts: count('thought'),
    total: countAt(raw, 'total_tokens'),
    inputDetails: [...details('input'), ...details('tool_use')],
    cachedDetails: details('cached'),
    answerDetails: details('output'),
    searches: billedSearches(countAt(searches, 'count') ?? 0, model),
  })
  return usage.input === null && usage.output === null ? null : usage
}
