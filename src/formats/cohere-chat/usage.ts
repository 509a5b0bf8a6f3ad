import { sumKnown, without } from '../../records/count.ts'
import { at, countAt, isObject } from '../../records/json.ts'
import { type Usage, unknownUsage } from '../../records/usage.ts'

/**
 * `usage` of v2 or `meta` of everything older: what the model processed, hidden template tokens included, and beside it what is
 * billed (wire-formats 9, Cohere). Where only the bill is told, it stands for both. Null when neither was.
 */
export function usageOf(raw: unknown): Usage | null {
  const tokens = at(raw, 'tokens')
  const billed = at(raw, 'billed_units')
  if (!isObject(tokens) && !isObject(billed)) return null
  const billedInput = countAt(billed, 'input_tokens')
  const billedOutput = countAt(billed, 'output_tokens')
  const images = countAt(billed, 'image_tokens')
  const input = countAt(tokens, 'input_tokens') ?? sumKnown(billedInput, images)
  const cacheRead = countAt(raw, 'cached_tokens')
  return {
    ...unknownUsage,
    input,
    inputUncached: without(input, cacheRead),
    cacheRead,
    output: countAt(tokens, 'output_tokens') ?? billedOutput,
    imageInput: images,
    searchUnits: countAt(billed, 'search_units'),
    billedInput: sumKnown(billedInput, images),
    billedOutput,
  }
}
