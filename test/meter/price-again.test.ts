import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Billable, costOf } from '../../src/meter/cost.ts'
import { priceAgain, recordedCost } from '../../src/meter/price-again.ts'
import { priceTerms, withUpstreamBill } from '../../src/meter/price-terms.ts'
import { loadPrices, priceBook } from '../../src/meter/prices.ts'
import type { PriceTerms } from '../../src/records/bill.ts'
import { ownNames, storedNames } from '../../src/records/stored-names.ts'
import type { TelemetryMetadata } from '../../src/records/telemetry.ts'
import { type Usage, unknownUsage } from '../../src/records/usage.ts'
import { aMoment, aRecord } from '../support/records.ts'

const prices = loadPrices()
const models = [
  ['openai', 'gpt-4o-mini-2024-07-18'],
  ['openai', 'gpt-5.4'],
  ['openai', 'gpt-realtime'],
  ['openai', 'whisper-1'],
  ['openai', 'gpt-4o-search-preview'],
  ['openai', 'dall-e-3'],
  ['openai', 'gpt-image-1'],
  ['openai', 'tts-1'],
  ['openai', 'omni-moderation-latest'],
  ['anthropic', 'claude-opus-4-8'],
  ['anthropic', 'claude-haiku-5-5'],
  ['google', 'gemini-4-argon'],
  ['deepseek', 'deepseek-v4-pro'],
  ['perplexity', 'sonar-pro'],
  ['ollama', 'llama3.2:3b'],
  ['openai', 'nobody-knows-it'],
  ['openai', null],
] as const

const count = fc.option(fc.integer({ min: 0, max: 3_000_000 }))
const usage: fc.Arbitrary<Usage> = fc.record({
  ...(Object.fromEntries(Object.keys(unknownUsage).map((name) => [name, count])) as Record<
    keyof Omit<Usage, 'costReportedUsd' | 'searchContext'>,
    typeof count
  >),
  costReportedUsd: fc.option(fc.constantFrom('0.00012', '3'), { freq: 9 }),
  searchContext: fc.option(fc.constantFrom('low', 'high')),
})

const billable: fc.Arbitrary<Billable> = fc
  .record({
    model: fc.constantFrom(...models),
    wallMs: fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 5, 1) }),
    usage: fc.option(usage, { freq: 9 }),
    estimated: fc.boolean(),
    serviceTier: fc.option(fc.constantFrom('priority', 'flex', 'default')),
    batch: fc.boolean(),
    conditions: fc.subarray(['speed:fast', 'inference_geo:us', 'region:eu']),
    units: fc.option(
      fc.record(
        {
          seconds: fc.double({ min: 0, max: 900, noNaN: true }),
          searchUnits: fc.nat(9),
          images: fc.nat(9),
          imageSize: fc.constantFrom('1024x1024', '1024x1792', 'auto'),
          imageQuality: fc.constantFrom('standard', 'hd', 'low'),
          characters: fc.nat(5_000),
          searchContext: fc.constantFrom('low', 'medium', 'high'),
        },
        { requiredKeys: [] },
      ),
    ),
  })
  .map(({ model: [provider, model], units, ...call }) => ({ provider, model, ...call, ...(units ? { units } : {}) }))

describe('a record', () => {
  it('tells everything that its cost was made of', () => {
    fc.assert(
      fc.property(billable, (billed) => {
        const cost = recordedCost(costOf(billed, prices))
        const record = recordOf(billed, priceTerms(billed, billed.usage))
        expect(priceAgain(record, prices)).toEqual(cost)
      }),
      { numRuns: 500 },
    )
  })

  it('has a bill whose lines together are its cost, to the last 10⁻¹² dollar', () => {
    let priced = 0
    fc.assert(
      fc.property(billable, (billed) => {
        const { fields, bill } = recordedCost(costOf(billed, odd))
        const sum = bill.reduce((total, line) => total + BigInt(line.picodollars), 0n)
        if (fields.cost_picodollars === null) return
        priced++
        expect(sum).toBe(BigInt(fields.cost_picodollars))
      }),
      { numRuns: 500 },
    )
    expect(priced).toBeGreaterThan(100)
  })

  it("of an older version is priced by what the vendor's usage tells", () => {
    const raw = { speed: 'fast', inference_geo: 'us' }
    const { telemetry, run } = aRecord({
      metadata: { provider: 'anthropic', llm_model: 'claude-opus-4-8' },
      run: { raw_usage: raw },
    })
    const { price_terms: _, ...older } = telemetry.metadata
    const metadata = older as TelemetryMetadata
    const plain = BigInt(priceAgain({ telemetry, run }, prices)!.fields.cost_picodollars!)
    const again = priceAgain({ telemetry: { ...telemetry, metadata }, run }, prices)
    expect(again?.fields.cost_picodollars).toBe(((plain * 22n) / 10n).toString())
    expect(again?.bill[0]?.factor).toBe('2.2')
  })

  it('that was imported is priced by the two counts it has', () => {
    const { telemetry } = aRecord({ metadata: { usage: null, prompt_tokens: 1_000_000, completion_tokens: 0 } })
    expect(priceAgain({ telemetry, run: null }, prices)?.fields.cost_picodollars).toBe('150000000000')
  })

  it('of a list or a probe has no price and no reason', () => {
    const { telemetry, run } = aRecord({ metadata: { operation: 'models' } })
    expect(priceAgain({ telemetry, run }, prices)).toBeNull()
  })
})

it('keeps what a vendor behind a key of one’s own billed', () => {
  const billedUsage = { ...unknownUsage, input: 9, output: 1, costReportedUsd: '0.0000015' }
  const raw = { is_byok: true, cost_details: { upstream_inference_cost: 0.00003 } }
  const billed: Billable = {
    ...{ provider: 'openrouter', model: 'openai/gpt-4o', wallMs: aMoment, estimated: false },
    ...{ serviceTier: null, batch: false, conditions: [], usage: withUpstreamBill(billedUsage, raw) },
  }
  const terms = priceTerms(billed, billedUsage)
  expect(terms?.reported_usd).toBe('0.000031500000')
  const record = recordOf({ ...billed, usage: billedUsage }, terms)
  expect(priceAgain(record, prices)?.fields.cost_picodollars).toBe('31500000')
})

it('names of stored objects can be turned back', () => {
  expect(ownNames<Usage>(storedNames(unknownUsage))).toEqual(unknownUsage)
})

/** Prices with so many places that single lines are no whole 10⁻¹² dollars. */
const odd = priceBook([
  {
    name: 'odd',
    text: `{"schema": "1", "models": [${models
      .filter(([, model]) => model !== null && !model.startsWith('nobody'))
      .map(
        ([provider, model]) => `{"provider": "${provider}", "model": "${model}", "mode": "chat",
          "input": 0.000000123457, "output": 0.000000000007, "cached_input": 0.3333333,
          "per_second": 0.000000000033, "per_query": 0.002, "web_search": 0.01, "per_image": 0.012345678901,
          "per_character": 0.000000000001,
          "multipliers": {"region:eu": 1.1, "speed:fast": 1.333333333333}}`,
      )
      .join()}]}`,
  },
])

const recordOf = (billed: Billable, terms: PriceTerms | null) =>
  aRecord({
    atMs: billed.wallMs,
    metadata: {
      provider: billed.provider,
      llm_model: billed.model,
      usage: billed.usage && storedNames(billed.usage),
      prompt_tokens: null,
      completion_tokens: null,
      token_source: billed.estimated ? 'estimated' : 'reported',
      price_terms: terms,
    },
  })
