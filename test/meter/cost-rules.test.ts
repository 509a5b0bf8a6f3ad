import { describe, expect, it } from 'vitest'
import { type Billable, costOf } from '../../src/meter/cost.ts'
import { decimalText } from '../../src/meter/decimal.ts'
import { priceBook } from '../../src/meter/prices.ts'
import { type Usage, unknownUsage } from '../../src/records/usage.ts'

/** One rule each of how counts and prices make a bill. Prices are chosen so that each part shows in the sum. */
function cost(fields: object, counts: Partial<Usage>, call: Partial<Billable> = {}): string | null {
  const models = [{ provider: 'own', model: 'm', mode: 'chat', ...fields }]
  const book = priceBook([{ name: 'own.json', text: JSON.stringify({ schema: 1, models }) }])
  const { picodollars } = costOf(
    {
      provider: 'own',
      model: 'm',
      wallMs: Date.parse('2026-11-21T12:00:00Z'),
      usage: { ...unknownUsage, output: 0, ...counts },
      estimated: false,
      serviceTier: null,
      batch: false,
      conditions: [],
      ...call,
    },
    book,
  )
  return picodollars === null ? null : decimalText(picodollars, 12).replace(/\.?0+$/, '')
}

const million = 1_000_000

describe('tokens', () => {
  it('cost their price for a million each, input and output apart', () => {
    expect(cost({ input: 2, output: 8 }, { input: 3 * million, output: million })).toBe('14')
  })

  it('read from the cache, written to it, and written for an hour have prices of their own, or else the next one', () => {
    const counts = { input: 10 * million, cacheRead: 4 * million, cacheWrite: 3 * million, cacheWrite1h: million }
    expect(cost({ input: 1, output: 1, cached_input: 0.1, cache_write: 2, cache_write_1h: 5 }, counts)).toBe('12.4')
    expect(cost({ input: 1, output: 1, cached_input: 0.1, cache_write: 2 }, counts)).toBe('9.4')
    expect(cost({ input: 1, output: 1 }, counts)).toBe('10')
  })

  it('of sound and images are taken out of the rest, and cost what text costs where nothing else is known', () => {
    const counts = {
      input: 10 * million,
      cacheRead: 4 * million,
      audioInput: 3 * million,
      cachedAudioInput: million,
      imageInput: 2 * million,
      output: 5 * million,
      audioOutput: 2 * million,
      imageOutput: million,
    }
    const base = { input: 1, output: 10, cached_input: 0.5 }
    // 6 fresh (2 audio, 2 image), 4 read (1 audio), 5 out (2 audio, 1 image)
    expect(cost(base, counts)).toBe('58')
    expect(cost({ ...base, audio_input: 4, image_input: 3 }, counts)).toBe('68')
    expect(cost({ ...base, audio_input: 4, cached_audio_input: 2 }, counts)).toBe('65.5')
    expect(cost({ ...base, audio_output: 20, image_output: 40 }, counts)).toBe('108')
  })

  it('of reasoning cost what output costs, unless they have a price of their own', () => {
    const counts = { input: 0, output: 5 * million, reasoning: 4 * million }
    expect(cost({ input: 1, output: 10 }, counts)).toBe('50')
    expect(cost({ input: 1, output: 10, reasoning_output: 2 }, counts)).toBe('18')
  })

  it('of citations cost what input costs, unless they have a price of their own', () => {
    expect(cost({ input: 3, output: 1 }, { input: 0, citations: million })).toBe('3')
    expect(cost({ input: 3, output: 1, citation_input: 2 }, { input: 0, citations: million })).toBe('2')
  })

  it('of embeddings have no output, and of moderation no price', () => {
    expect(cost({ mode: 'embedding', input: 2, output: null }, { input: million, output: null })).toBe('2')
    expect(cost({ mode: 'moderation', input: 0, output: null }, { input: million, output: null })).toBe('0')
  })
})

describe('a long input', () => {
  const fields = {
    input: 1,
    output: 10,
    cached_input: 0.1,
    tiers: [{ above_input_tokens: 200_000, input: 2, output: 20, cached_input: 0.2 }],
  }

  it('changes the price of every token, output too, strictly above the threshold', () => {
    expect(cost(fields, { input: 200_000, output: 100_000 })).toBe('1.2')
    expect(cost(fields, { input: 200_001, output: 100_000 })).toBe('2.400002')
  })

  it('counts cached tokens towards the threshold', () => {
    expect(cost(fields, { input: 300_000, cacheRead: 200_000, output: 0 })).toBe('0.24')
  })
})

describe('service tiers and batches', () => {
  const fields = { input: 4, output: 8, cached_input: 1, batch_input: 2, batch_output: 4, flex: { input: 3 } }

  it('replace the prices they have', () => {
    expect(cost(fields, { input: million, output: million }, { serviceTier: 'flex' })).toBe('11')
    expect(cost(fields, { input: million, output: million }, { serviceTier: 'priority' })).toBe('12')
  })

  it('of a batch leave cached prices and fees as they are', () => {
    const counts = { input: 2 * million, cacheRead: million, output: million, webSearches: 2 }
    expect(cost({ ...fields, web_search: 0.5 }, counts, { batch: true })).toBe('8')
  })
})

describe('multipliers', () => {
  const fields = {
    input: 4,
    output: 8,
    cached_input: 1,
    web_search: 0.5,
    multipliers: { 'speed:fast': 2, 'region:eu': 1.1 },
  }
  const counts = { input: 2 * million, cacheRead: million, output: million, webSearches: 2 }

  it('are on every token, cached ones too, and not on fees', () => {
    expect(cost(fields, counts)).toBe('14')
    expect(cost(fields, counts, { conditions: ['speed:fast'] })).toBe('27')
    expect(cost(fields, counts, { conditions: ['speed:fast', 'region:eu'] })).toBe('29.6')
    expect(cost(fields, counts, { conditions: ['speed:slow'] })).toBe('14')
  })
})

describe('fees', () => {
  it('are for each search', () => {
    expect(cost({ input: 0, output: 0, web_search: 0.01 }, { input: 1, webSearches: 3 })).toBe('0.03')
  })

  it('by search context are for the request where the vendor bills it so, and for each search elsewhere', () => {
    const fields = { input: 0, output: 0, web_search: { low: 0.005, high: 0.012 } }
    const counts = { input: 1, webSearches: 3 }
    expect(cost(fields, { ...counts, searchContext: 'high' })).toBe('0.036')
    expect(cost(fields, { ...counts, searchContext: 'high', requestFees: 1 })).toBe('0.012')
    expect(cost(fields, { ...counts, requestFees: 1 })).toBe('0.005')
    expect(cost(fields, { ...counts, searchContext: 'novel', requestFees: 1 })).toBeNull()
  })

  it('for each request are billed once', () => {
    expect(cost({ input: 0, output: 0, per_request: 0.25 }, { input: 1 })).toBe('0.25')
  })

  it('of a request that the price list knows none for are none', () => {
    expect(cost({ input: 1, output: 0 }, { input: million, requestFees: 1 })).toBe('1')
  })
})
