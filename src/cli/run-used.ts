import { estimatedOperations, modelOperations } from '../records/outcome.ts'
import type { StoredNames } from '../records/stored-names.ts'
import type { Usage } from '../records/usage.ts'
import type { RunDetail } from '../stores/store.ts'
import { countText, moneyText, unknown } from './text.ts'

type Part = readonly [label: string, name: keyof StoredNames<Usage>]

const inputParts: readonly Part[] = [
  ['cached', 'cache_read'],
  ['written to the cache', 'cache_write'],
  ['audio', 'audio_input'],
  ['image', 'image_input'],
  ['video', 'video_input'],
]
const outputParts: readonly Part[] = [
  ['reasoning', 'reasoning'],
  ['audio', 'audio_output'],
  ['image', 'image_output'],
  ['video', 'video_output'],
]
/** What is counted beside tokens, or in their place. */
const pieces: readonly (readonly [one: string, many: string, name: keyof StoredNames<Usage>])[] = [
  ['image', 'images', 'images'],
  ['second of sound', 'seconds of sound', 'audio_seconds'],
  ['character spoken', 'characters spoken', 'characters'],
  ['search unit', 'search units', 'search_units'],
  ['web search', 'web searches', 'web_searches'],
  ['token of sources', 'tokens of sources', 'citations'],
]

/** Tokens, and what else was used. No text where nothing was, and no tokens were to be expected. */
export function usedText({ telemetry: { metadata } }: RunDetail): { label: string; text: string | null } {
  const { operation, token_source: source, tokenizer, usage } = metadata
  const amounts = pieces.flatMap(([one, many, name]) => {
    const count = usage?.[name]
    return typeof count === 'number' && count > 0 ? [`${countText(count)} ${count === 1 ? one : many}`] : []
  })
  const tokens = tokensText(metadata)
  if (tokens !== null) {
    const about = source === 'estimated' ? `estimated with ${tokenizer ?? 'a tokenizer'}` : source
    return { label: 'Tokens', text: [tokens, ...amounts, about].filter((part) => part !== null).join(' · ') }
  }
  if (amounts.length > 0) return { label: 'Used', text: amounts.join(' · ') }
  return { label: 'Tokens', text: estimatedOperations.has(operation) ? `${unknown} (${source ?? 'none'})` : null }
}

function tokensText(metadata: RunDetail['telemetry']['metadata']): string | null {
  const { usage, prompt_tokens: input, completion_tokens: output, total_tokens: total } = metadata
  const detail = (parts: readonly Part[]) => {
    const shown = parts.flatMap(([label, name]) => {
      const value = usage?.[name]
      return typeof value === 'number' && value > 0 ? [`${countText(value)} ${label}`] : []
    })
    return shown.length > 0 ? ` (${shown.join(', ')})` : ''
  }
  if (input === null && output === null) return total === null ? null : `${countText(total)} in all`
  const asked = `${countText(input)} in${detail(inputParts)}`
  // vectors, ranks and the like are no tokens
  if (output === null && !['chat', 'completion'].includes(metadata.operation)) return asked
  return `${asked} + ${countText(output)} out${detail(outputParts)} = ${countText(total)}`
}

/** Null where nothing was to be paid for. */
export function costText({ telemetry: { metadata } }: RunDetail): string | null {
  const { cost_picodollars: cost, unpriced_reason: reason, price_version: version } = metadata
  if (cost === null && reason === null && !modelOperations.has(metadata.operation)) return null
  const amount = `${moneyText(cost)}${metadata.cost_estimated ? ' (estimated)' : ''}`
  return [amount, reason, version === null ? null : `prices ${version}`].filter((part) => part !== null).join(' · ')
}
