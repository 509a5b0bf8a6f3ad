import { describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { observe } from '../../src/formats/observe.ts'
import { meter } from '../../src/meter/meter.ts'
import type { Cost, TokenCounter } from '../../src/meter/metered.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import { asFormatSample, exchangeOf } from '../contract/format-sample.ts'
import { loadSample } from '../support/samples.ts'

const providers = await loadProviders()
const prices = loadPrices()
/** A word is a token: enough for what nobody reported. */
const tokens: TokenCounter = {
  count: async (_encoding, texts) => texts.map((text) => text.split(' ').length),
  close: async () => {},
}

/** What the exchange of a sample costs, had it begun at that moment. */
async function costOf(name: string, when = '2026-11-21T12:00:00Z'): Promise<Cost> {
  const provider = providers.get(name.slice(0, name.indexOf('/')))
  const exchange = exchangeOf(asFormatSample(loadSample(name), provider))
  const timed = { ...exchange, open: { ...exchange.open, wallMs: Date.parse(when) } }
  return (await meter(timed, observe(timed, provider, 'test'), { prices, tokens })).cost
}

/** 10⁻¹² dollars, worked out by hand from the price list: tokens × dollars for a million, and fees. */
describe('the cost of a call', () => {
  it.each<[string, bigint, string]>([
    ['mistral/chat', 6_450_000n, '19 × 0.15 + 6 × 0.6'],
    ['mistral/chat-thinking', 183_000_000n, '24 × 2 + 27 × 5: cached input has no price of its own'],
    ['xai/chat', 3_120_000_000n, '300 × 1.25 + 600 × 0.2 + (50 + 1000) × 2.5: reasoning is outside the output'],
    ['together/chat', 42_240_000n, '48 × 0.88, by a name with a slash'],
    ['together/embeddings', 80_000n, '5 × 0.016'],
    ['fireworks/chat', 15_120_000n, '5 × 0.56 + 8 × 0.28 + 6 × 1.68, by the name of an account'],
    ['fireworks/embeddings', 48_000n, '6 × 0.008'],
    ['perplexity/chat-no-bill', 26_558_000_000n, '26 × 3 + 832 × 15, and one fee of 0.014 for a high context'],
    ['perplexity/deep-research', 409_393_000_000n, '33 × 2 + 7163 × 8 + 20016 × 2 + 73997 × 3, and 18 × 0.005'],
    ['cerebras/chat', 33_600_000n, '54 × 0.4 + 15 × 0.8'],
    ['sambanova/chat', 32_400_000n, '40 × 0.6 + 7 × 1.2'],
    ['deepinfra/chat-no-bill', 12_560_000n, '100 × 0.1 + 8 × 0.32'],
    ['sglang/chat', 0n, 'own hardware'],
    ['lmstudio/rest-chat-stream', 0n, 'own hardware'],
  ])('%s: %i (%s)', async (name, picodollars) => {
    const cost = await costOf(name)
    expect(cost).toMatchObject({ picodollars, unpricedReason: null, estimated: false, note: null })
    expect(cost.priceVersion).toMatch(/^2026-10-27-/)
  })

  it.each<[string, bigint]>([
    ['xai/chat-stream', 146_625_000n],
    ['xai/chat-search', 26_050_000_000n],
    ['perplexity/chat', 5_010_000_000n],
    ['perplexity/chat-stream', 5_020_000_000n],
    ['deepinfra/chat', 12_560_000n],
    ['openrouter/chat', 1_000_000n],
  ])('%s is the bill that the vendor itself wrote: %i', async (name, picodollars) => {
    expect(await costOf(name)).toMatchObject({ picodollars, priceVersion: 'reported' })
  })

  it('is not the 0 that a vendor writes before the end of an answer', async () => {
    const cost = await costOf('perplexity/chat-cut-stream')
    expect(cost).toMatchObject({ estimated: true, unpricedReason: null })
    expect(cost.picodollars).toBeGreaterThanOrEqual(5_014_000_000n)
    expect(cost.priceVersion).toMatch(/^2026-10-27-/)
  })

  it.each<[string, string, bigint]>([
    ['in a peak hour of a working day', '2026-11-23T02:00:00Z', 40_608_000n],
    ['in the last second of one', '2026-11-23T03:59:59Z', 40_608_000n],
    ['between two of them', '2026-11-23T04:00:00Z', 20_304_000n],
    ['at the same hour of a Saturday', '2026-11-21T02:00:00Z', 20_304_000n],
    ['before prices went by the hour', '2026-08-15T02:00:00Z', 17_270_400n],
  ])('of a call that began %s follows its clock', async (_when, moment, picodollars) => {
    expect((await costOf('deepseek/chat', moment)).picodollars).toBe(picodollars)
  })

  it('counts what the cache held once, whether it stands inside the input or beside it', async () => {
    // 16 × 0.66 + 1024 × 0.022 + 18 × 1.98
    expect((await costOf('deepseek/anthropic-messages-stream')).picodollars).toBe(68_728_000n)
  })

  it('is unknown for a model that no list has, and says so', async () => {
    expect(await costOf('mistral/chat-tools-incremental-stream')).toMatchObject({
      picodollars: null,
      unpricedReason: 'no price for mistral/zai-glm-5-2',
    })
  })
})
