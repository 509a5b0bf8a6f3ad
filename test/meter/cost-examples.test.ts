import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { costOf } from '../../src/meter/cost.ts'
import { decimalText, divideRounded, scaled } from '../../src/meter/decimal.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import type { Units } from '../../src/meter/units.ts'
import { arrayAt, type JsonObject, numberAt, objectOf, stringAt } from '../../src/records/json.ts'
import { type Usage, unknownUsage } from '../../src/records/usage.ts'

interface Example {
  id: string
  title: string
  provider: string
  model: string
  at: string
  request?: { service_tier?: string; batch?: boolean; speed?: string; inference_geo?: string }
  usage: JsonObject
  lines: { quantity: number; price: string; unit: string; price_field: string; usd: string }[]
  cost_usd: string | null
}

const file: { examples: Example[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'samples', 'cost-examples.json'), 'utf8'),
)
const prices = loadPrices()

describe('the bill of every worked example is exact', () => {
  it.each(file.examples)('$id: $title', (example) => {
    const { usage, units } = normal(example)
    const request = example.request ?? {}
    const cost = costOf(
      {
        provider: example.provider,
        model: example.model,
        wallMs: Date.parse(example.at),
        usage,
        ...(units ? { units } : {}),
        estimated: false,
        serviceTier: request.service_tier ?? null,
        batch: request.batch ?? false,
        conditions: [
          ...(request.speed ? [`speed:${request.speed}`] : []),
          ...(request.inference_geo ? [`inference_geo:${request.inference_geo}`] : []),
        ],
      },
      prices,
    )
    expect(cost.picodollars === null ? null : tenPlaces(cost.picodollars)).toBe(example.cost_usd)
    const billed = cost.lines.map((line) => [
      line.field,
      line.quantity,
      scaled(line.price, 12),
      tenPlaces(line.picodollars),
    ])
    const expected = example.lines.map((line) => [line.price_field, line.quantity, scaled(line.price, 12), line.usd])
    expect(new Set(billed)).toEqual(new Set(expected))
    if (example.cost_usd === null) expect(cost.unpricedReason).toBe(`no price for ${example.provider}/${example.model}`)
    else expect(cost.priceVersion).toMatch(/^2026-10-27-[0-9a-f]{8}$/)
  })
})

const tenPlaces = (picodollars: bigint): string => decimalText(divideRounded(picodollars, 100n), 10)

/** The usage objects of all vendors in our one form, as their formats will hand it over. */
function normal({ provider, model, usage }: Example): { usage: Usage | null; units?: Units } {
  const n = (...path: (string | number)[]): number => numberAt(usage, ...path) ?? 0
  if (provider === 'anthropic') {
    const write = n('cache_creation_input_tokens')
    const read = n('cache_read_input_tokens')
    return {
      usage: {
        ...unknownUsage,
        input: n('input_tokens') + write + read,
        inputUncached: n('input_tokens'),
        cacheRead: read,
        cacheWrite: write,
        cacheWrite1h: n('cache_creation', 'ephemeral_1h_input_tokens'),
        output: n('output_tokens'),
        webSearches: n('server_tool_use', 'web_search_requests'),
      },
    }
  }
  if (provider === 'google') {
    const audio = arrayAt(usage, 'promptTokensDetails').find((part) => stringAt(part, 'modality') === 'AUDIO')
    return {
      usage: {
        ...unknownUsage,
        input: n('promptTokenCount'),
        cacheRead: n('cachedContentTokenCount'),
        audioInput: numberAt(audio, 'tokenCount'),
        output: n('candidatesTokenCount') + n('thoughtsTokenCount'),
        reasoning: n('thoughtsTokenCount'),
      },
    }
  }
  if (provider === 'bedrock') {
    return {
      usage: {
        ...unknownUsage,
        input: n('inputTokens') + n('cacheReadInputTokens') + n('cacheWriteInputTokens'),
        cacheRead: n('cacheReadInputTokens'),
        cacheWrite: n('cacheWriteInputTokens'),
        output: n('outputTokens'),
      },
    }
  }
  if (provider === 'cohere') {
    const billed = objectOf(usage.billed_units)
    if ('search_units' in billed) return { usage: null, units: { searchUnits: Number(billed.search_units) } }
    return { usage: { ...unknownUsage, input: Number(billed.input_tokens), output: Number(billed.output_tokens) } }
  }
  if (provider === 'ollama')
    return { usage: { ...unknownUsage, input: n('prompt_eval_count'), output: n('eval_count') } }
  if ('images' in usage)
    return {
      usage: null,
      units: { images: n('images'), imageQuality: String(usage.quality), imageSize: String(usage.size) },
    }
  if ('seconds' in usage) return { usage: null, units: { seconds: n('seconds') } }
  if ('characters' in usage) return { usage: null, units: { characters: n('characters') } }

  const details = objectOf(usage.prompt_tokens_details ?? usage.input_tokens_details ?? usage.input_token_details)
  const outDetails = objectOf(
    usage.completion_tokens_details ?? usage.output_tokens_details ?? usage.output_token_details,
  )
  const outside = provider === 'xai' || model === 'sonar-deep-research'
  const reasoning = numberAt(outDetails, 'reasoning_tokens') ?? n('reasoning_tokens')
  const context = stringAt(usage, 'search_context_size')
  return {
    usage: {
      ...unknownUsage,
      input: numberAt(usage, 'prompt_tokens') ?? n('input_tokens'),
      cacheRead: numberAt(details, 'cached_tokens') ?? n('prompt_cache_hit_tokens'),
      cacheWrite: numberAt(details, 'cache_write_tokens'),
      audioInput: numberAt(details, 'audio_tokens'),
      cachedAudioInput: numberAt(details, 'cached_tokens_details', 'audio_tokens'),
      imageInput: numberAt(details, 'image_tokens'),
      output:
        'completion_tokens' in usage || 'output_tokens' in usage
          ? (numberAt(usage, 'completion_tokens') ?? n('output_tokens')) + (outside ? reasoning : 0)
          : null,
      reasoning,
      audioOutput: numberAt(outDetails, 'audio_tokens'),
      webSearches: numberAt(usage, 'web_search_calls') ?? n('num_search_queries'),
      citations: numberAt(usage, 'citation_tokens'),
      requestFees: provider === 'perplexity' ? 1 : null,
      searchContext: context,
    },
  }
}
