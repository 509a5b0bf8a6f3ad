import { at, isObject, stringAt } from '../records/json.ts'
import type { RareParameters, RequestFacts } from './decoder.ts'

type Path = readonly [string, ...string[]]
type Reader = (value: unknown) => RareParameters[string]

const mostCharacters = 100
const mostWords = 16

/** A word, a number or a yes or no, as sent. */
const scalar: Reader = (value) =>
  typeof value === 'string'
    ? value.slice(0, mostCharacters)
    : typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
      ? value
      : null

/** That it is there; its value is long, or private. */
const presence: Reader = () => true

/** How many there are: members of an object, items of a list. */
const howMany: Reader = (value) =>
  Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : null

/** A list of short words. */
const words: Reader = (value) =>
  Array.isArray(value)
    ? value
        .filter((word) => typeof word === 'string')
        .slice(0, mostWords)
        .map((word) => word.slice(0, mostCharacters))
    : null

/** How much of the web a search may bring in: a word, or that of the first tool that says one. */
const searchContext: Reader = (value) =>
  Array.isArray(value)
    ? (value.map((tool) => stringAt(tool, 'search_context_size')).find((word) => word !== null) ?? null)
    : scalar(value)

/** The names under which APIs take what few requests say, the first that is there counts (wire-formats 3). */
const table: readonly (readonly [name: string, read: Reader, ...paths: Path[]])[] = [
  ['verbosity', scalar, ['verbosity'], ['text', 'verbosity']],
  [
    'thinking_budget',
    scalar,
    ['thinking', 'budget_tokens'],
    ['reasoning', 'max_tokens'],
    ['thinking_budget'],
    ['generationConfig', 'thinkingConfig', 'thinkingBudget'],
  ],
  ['thinking', scalar, ['thinking', 'type'], ['enable_thinking'], ['chat_template_kwargs', 'enable_thinking']],
  ['reasoning_summary', scalar, ['reasoning', 'summary'], ['thinking', 'display']],
  ['reasoning_format', scalar, ['reasoning_format']],
  ['include_reasoning', scalar, ['include_reasoning'], ['generationConfig', 'thinkingConfig', 'includeThoughts']],
  ['prompt_mode', scalar, ['prompt_mode']],
  ['chat_template_kwargs', howMany, ['chat_template_kwargs']],
  ['top_a', scalar, ['top_a']],
  ['typical_p', scalar, ['typical_p'], ['options', 'typical_p']],
  ['repeat_last_n', scalar, ['repeat_last_n'], ['options', 'repeat_last_n']],
  ['best_of', scalar, ['best_of']],
  ['top_logprobs', scalar, ['top_logprobs']],
  ['logit_bias', howMany, ['logit_bias']],
  ['modalities', words, ['modalities'], ['generationConfig', 'responseModalities']],
  ['audio_voice', scalar, ['audio', 'voice']],
  ['audio_format', scalar, ['audio', 'format']],
  ['prediction', presence, ['prediction']],
  ['web_search', presence, ['web_search_options'], ['search_parameters']],
  ['search_context', searchContext, ['web_search_options', 'search_context_size'], ['tools']],
  ['search_mode', scalar, ['search_mode'], ['search_parameters', 'mode']],
  ['size', scalar, ['size']],
  ['quality', scalar, ['quality']],
  ['voice', scalar, ['voice']],
  ['language', scalar, ['language']],
  ['store', scalar, ['store']],
  ['background', scalar, ['background']],
  ['previous_response_id', scalar, ['previous_response_id']],
  ['metadata_fields', howMany, ['metadata'], ['labels']],
  ['prompt_cache_key', presence, ['prompt_cache_key'], ['prompt_cache_isolation_key']],
  ['prompt_cache_retention', scalar, ['prompt_cache_retention']],
  ['cache_prompt', scalar, ['cache_prompt']],
  ['cached_content', presence, ['cachedContent']],
  ['include_obfuscation', scalar, ['stream_options', 'include_obfuscation']],
  ['continuous_usage_stats', scalar, ['stream_options', 'continuous_usage_stats']],
  ['max_tool_calls', scalar, ['max_tool_calls']],
  ['fallback_models', words, ['models']],
  ['inference_geo', scalar, ['inference_geo']],
  ['speed', scalar, ['speed']],
  ['safe_prompt', scalar, ['safe_prompt']],
  ['suffix', presence, ['suffix']],
  ['agent_id', scalar, ['agent_id']],
  ['perf_metrics', scalar, ['perf_metrics_in_response']],
]

export function rareParameters(body: unknown): RareParameters {
  const found: Record<string, RareParameters[string]> = {}
  if (!isObject(body)) return found
  for (const { name, read, paths } of rows) {
    for (const path of paths) {
      const given = Object.hasOwn(body, path[0]!) ? at(body, ...path) : null
      if (given === undefined || given === null) continue
      const value = read(given)
      if (value !== null) found[name] = value
      break
    }
  }
  return found
}

const rows = table.map(([name, read, ...paths]) => ({ name, read, paths }))

/** How much was said, for records that do not keep what was. */
export function sizesOf({ messages }: Pick<RequestFacts, 'messages'>): RareParameters {
  if (messages.length === 0) return {}
  const images = messages.flatMap((message) => message.images)
  const imageBytes = images.reduce((sum, image) => sum + (image.bytes ?? 0), 0)
  return {
    messages: messages.length,
    characters: messages.reduce((sum, message) => sum + message.text.length, 0),
    ...(images.length > 0 ? { images: images.length, image_bytes: imageBytes } : {}),
  }
}
