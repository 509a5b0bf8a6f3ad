import { type Count, sumKnown, without } from '../../records/count.ts'
import { arrayAt, countAt, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import { type Usage, unknownUsage } from '../../records/usage.ts'

/** The counters of one answer, under one name each for every API of Gemini. */
export interface GeminiCounts {
  prompt: Count
  /** Results of the server's own tools, which the model read as input. */
  toolResults: Count
  /** Part of the prompt. */
  cached: Count
  /** What the candidates hold, without thoughts. */
  answer: Count
  thoughts: Count
  total: Count
  /** Lists of counts by modality. */
  inputDetails: readonly unknown[]
  cachedDetails: readonly unknown[]
  answerDetails: readonly unknown[]
  searches: Count
}

/**
 * The counters in the normal form (wire-formats 8.1). The API leaves out counters that are zero: where it gives a total, what
 * the answer lacks of it was generated.
 */
export function usageOf(counts: GeminiCounts): Usage {
  const { prompt, cached, thoughts, total } = counts
  const input = sumKnown(prompt, counts.toolResults)
  const rest = input === null ? null : without(total, input)
  return {
    ...unknownUsage,
    input,
    inputUncached: without(input, cached),
    cacheRead: cached,
    output: counts.answer === null && rest !== null ? rest : sumKnown(counts.answer, thoughts),
    reasoning: thoughts,
    audioInput: ofModality(counts.inputDetails, 'AUDIO'),
    cachedAudioInput: ofModality(counts.cachedDetails, 'AUDIO'),
    audioOutput: ofModality(counts.answerDetails, 'AUDIO'),
    imageInput: ofModality(counts.inputDetails, 'IMAGE'),
    cachedImageInput: ofModality(counts.cachedDetails, 'IMAGE'),
    imageOutput: ofModality(counts.answerDetails, 'IMAGE'),
    videoInput: ofModality(counts.inputDetails, 'VIDEO'),
    videoOutput: ofModality(counts.answerDetails, 'VIDEO'),
    webSearches: counts.searches,
    totalReported: total,
  }
}

/** `usageMetadata` of generateContent; null when it counted nothing. `searches`: of the web, as the answer names them. */
export function usageOfMetadata(raw: JsonObject, searches: Count): Usage | null {
  const details = (name: string): readonly unknown[] => arrayAt(raw, `${name}Details`)
  const usage = usageOf({
    prompt: countAt(raw, 'promptTokenCount'),
    toolResults: countAt(raw, 'toolUsePromptTokenCount'),
    cached: countAt(raw, 'cachedContentTokenCount'),
    answer: countAt(raw, 'candidatesTokenCount'),
    thoughts: countAt(raw, 'thoughtsTokenCount'),
    total: countAt(raw, 'totalTokenCount'),
    inputDetails: [...details('promptTokens'), ...details('toolUsePromptTokens')],
    cachedDetails: details('cacheTokens'),
    answerDetails: details('candidatesTokens'),
    searches,
  })
  return usage.input === null && usage.output === null ? null : usage
}

/** Every report holds totals so far, but some hold a part of the fields only: the later value of each field wins. */
export function mergedMetadata(known: JsonObject | null, later: unknown): JsonObject | null {
  return isObject(later) ? { ...known, ...later } : known
}

/** The tier that served, in the words of price lists: told by name, or on Vertex as a kind of traffic. */
export function servedTier(raw: JsonObject | null): string | null {
  const named = stringAt(raw, 'serviceTier') ?? stringAt(raw, 'trafficType')
  return named === null ? null : named.toLowerCase().replace(/^(service_tier|on_demand)_/, '')
}

/**
 * Searches that are billed (the list price is for one search): the first generations of Gemini bill a grounded answer once,
 * however often it searched.
 */
export const billedSearches = (searches: number, model: string | null): Count =>
  searches === 0 ? null : /^gemini-[12]\b/.test(model ?? '') ? 1 : searches

/** A list names what there was: a modality that is not in it has no tokens. Without a list nothing is known. */
function ofModality(details: readonly unknown[], modality: string): Count {
  if (details.length === 0) return null
  const parts = details.filter((part) => stringAt(part, 'modality')?.toUpperCase() === modality)
  return sumKnown(0, ...parts.map((part) => countAt(part, 'tokenCount') ?? countAt(part, 'tokens')))
}

/** Queries of a candidate's grounding. Events may repeat what earlier ones said of it. */
export const searchesOf = (candidate: unknown): readonly unknown[] =>
  arrayAt(candidate, 'groundingMetadata', 'webSearchQueries').slice(0, mostSearches)

const mostSearches = 1000
