import { afterAll, describe, expect, it } from 'vitest'
import type { Answer } from '../../src/formats/answer.ts'
import type { RequestFacts } from '../../src/formats/decoder.ts'
import type { Observed } from '../../src/formats/observed.ts'
import { meter } from '../../src/meter/meter.ts'
import type { TokenCounter } from '../../src/meter/metered.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import { startTokenCounter } from '../../src/meter/tokens.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { anExchange, anObserved, decodedOf, type ExchangeParts, user } from './exchange.ts'

const prices = loadPrices()
const tokens = startTokenCounter()
afterAll(() => tokens.close())

const run = (
  fill: ((answer: Answer) => void) | null,
  parts: {
    exchange?: ExchangeParts
    observed?: Partial<Observed>
    request?: Partial<RequestFacts>
    counter?: TokenCounter
  } = {},
) =>
  meter(
    anExchange(parts.exchange ?? {}),
    anObserved({
      ...parts.observed,
      decoded: fill === null ? null : decodedOf(fill),
      request: { messages: [user('Say hello')], ...parts.request },
    }),
    { prices, tokens: parts.counter ?? tokens },
  )

const hello = (answer: Answer): void => {
  answer.event(1)
  answer.text(0, 'hello world')
}
const helloDone = (answer: Answer): void => {
  hello(answer)
  answer.finish(0, 'stop', 'stop')
  answer.terminated = true
}
const reported =
  (usage: object) =>
  (answer: Answer): void => {
    helloDone(answer)
    answer.usage = { ...unknownUsage, ...usage }
    answer.tokenSource = 'reported'
  }

describe('tokens', () => {
  it('are what the provider reported, without asking the tokenizer', async () => {
    const counter: TokenCounter = {
      count: () => Promise.reject(new Error('asked')),
      close: () => Promise.resolve(),
    }
    const metered = await run(reported({ input: 1234, output: 567 }), { counter })
    expect(metered).toMatchObject({ tokenSource: 'reported', tokenizer: null, usage: { input: 1234, output: 567 } })
    expect(metered.cost).toMatchObject({ picodollars: 525_300_000n, estimated: false })
  })

  it('are estimated and marked when a successful answer says nothing', async () => {
    const metered = await run(helloDone)
    // 3 for the reply, 3 for the message, 1 for its role, 2 for its text; 2 for the answer
    expect(metered).toMatchObject({ tokenSource: 'estimated', tokenizer: 'o200k_base', usage: { input: 9, output: 2 } })
    expect(metered.cost).toMatchObject({ picodollars: 9n * 150_000n + 2n * 600_000n, estimated: true })
  })

  it('of a cut stream are an estimate of what arrived', async () => {
    const left = { close: { endBy: 'client', endPhase: 'data', upstreamComplete: false } } as const
    expect(await run(hello, { exchange: left })).toMatchObject({
      tokenSource: 'estimated',
      usage: { input: 9, output: 2 },
    })
    expect(await run(hello, { exchange: { close: null } })).toMatchObject({
      tokenSource: 'estimated',
      usage: { output: 2 },
    })
  })

  it('told before an answer was cut are completed by what arrived after', async () => {
    const early = (answer: Answer): void => {
      hello(answer)
      answer.usage = { ...unknownUsage, input: 25, cacheRead: 5, output: 1 }
      answer.tokenSource = 'reported'
    }
    const cut = { close: { endBy: 'upstream', endPhase: 'data', upstreamComplete: false } } as const
    expect(await run(early, { exchange: cut })).toMatchObject({
      tokenSource: 'estimated',
      usage: { input: 25, cacheRead: 5, output: 2 },
    })
  })

  it('that a server left out are filled in', async () => {
    expect(await run(reported({ input: null, output: 7 }))).toMatchObject({
      tokenSource: 'estimated',
      usage: { input: 9, output: 7 },
    })
  })

  it.each<[string, Parameters<typeof run>[0], Parameters<typeof run>[1]]>([
    ['a refused call', () => {}, { exchange: { head: { status: 429 } }, observed: { framing: 'json' } }],
    [
      'no answer',
      null,
      { exchange: { head: null, close: { endBy: 'upstream', failure: { code: 'x', message: 'x' } } } },
    ],
    [
      'a model being loaded',
      (answer) => {
        answer.finish(0, 'load', 'load')
        answer.terminated = true
      },
      {},
    ],
    ['a list of models', null, { observed: { operation: 'models', framing: 'json' } }],
  ])('are not invented for %s', async (_name, fill, parts) => {
    expect(await run(fill, parts)).toMatchObject({
      usage: null,
      tokenSource: 'none',
      tokenizer: null,
      cost: { picodollars: null },
    })
  })

  it('are still there when the tokenizer fails, by a rougher rule that says so', async () => {
    const counter: TokenCounter = { count: () => Promise.reject(new Error('dead')), close: () => Promise.resolve() }
    expect(await run(helloDone, { counter })).toMatchObject({ tokenizer: 'characters/4', usage: { output: 3 } })
  })

  it('of embeddings have no output', async () => {
    const embedded = (answer: Answer): void => {
      answer.embeddings = 1
      answer.terminated = true
    }
    const request = { model: 'text-embedding-3-small', messages: [user('hello world')], inputs: 1 }
    expect(await run(embedded, { request, observed: { operation: 'embeddings', framing: 'json' } })).toMatchObject({
      tokenSource: 'estimated',
      tokenizer: 'cl100k_base',
      usage: { input: 2, output: null },
      cost: { picodollars: 40_000n },
    })
  })
})

describe('a rerank', () => {
  const ranked = { observed: { operation: 'rerank', framing: 'json' } as const, request: { model: 'rerank-v3.5' } }

  it('is billed by its search units, and nothing about it is estimated', async () => {
    const metered = await run(
      (answer) => {
        answer.usage = { ...unknownUsage, searchUnits: 2 }
        answer.tokenSource = 'reported'
        answer.terminated = true
      },
      { ...ranked, exchange: { open: { provider: 'cohere' } } },
    )
    expect(metered).toMatchObject({
      tokenSource: 'reported',
      tokenizer: null,
      usage: { input: null, searchUnits: 2 },
      cost: { picodollars: 4_000_000_000n, estimated: false },
    })
  })

  it('that nobody counted stays uncounted', async () => {
    const metered = await run((answer) => {
      answer.terminated = true
    }, ranked)
    expect(metered).toMatchObject({ usage: null, tokenSource: 'none', cost: { picodollars: null } })
  })
})

describe('cost', () => {
  it('is the one the vendor billed, where it says so', async () => {
    const metered = await run(reported({ input: 9, output: 2, costReportedUsd: '0.00012' }))
    expect(metered.cost).toMatchObject({ picodollars: 120_000_000n, estimated: false, priceVersion: 'reported' })
  })

  it('rounds a bill of many places to 10⁻¹² dollars, and adds what the vendor behind a key of one’s own took', async () => {
    const long = await run(reported({ input: 9, output: 2, costReportedUsd: '0.00000000000149999' }))
    expect(long.cost.picodollars).toBe(1n)
    const own = (upstream: unknown) => (answer: Answer) => {
      reported({ input: 10, output: 0, costReportedUsd: '0.0000015' })(answer)
      answer.rawUsage = { is_byok: true, cost_details: { upstream_inference_cost: upstream } }
    }
    expect((await run(own(0.00003))).cost.picodollars).toBe(31_500_000n)
    expect((await run(own(null))).cost).toMatchObject({ picodollars: 1_500_000n, lines: [{ field: 'input' }] })
  })

  it('is unknown for an unknown model, and zero on own hardware', async () => {
    const unknown = await run(reported({ input: 9, output: 2 }), { request: { model: 'gpt-99' } })
    expect(unknown.cost).toMatchObject({ picodollars: null, unpricedReason: 'no price for openai/gpt-99' })
    const own = await run(reported({ input: 9, output: 2 }), {
      exchange: { open: { provider: 'ollama' } },
      request: { model: 'llama3.2:3b' },
    })
    expect(own.cost.picodollars).toBe(0n)
  })

  it('follows the model and the tier that served, not the ones asked for', async () => {
    const served = (answer: Answer): void => {
      reported({ input: 1_000_000, output: 0 })(answer)
      answer.model = 'gpt-5-2025-08-07'
      answer.serviceTier = 'priority'
    }
    expect((await run(served)).cost.lines).toMatchObject([
      { field: 'priority.input', price: '2.5', picodollars: 2_500_000_000_000n },
    ])
  })

  it('rises with the region of the host and the speed the usage tells of', async () => {
    const regional = { open: { origin: 'https://eu.api.openai.com' } }
    const request = { model: 'gpt-5.4-mini' }
    const here = await run(reported({ input: 1000, output: 0 }), { request })
    const there = await run(reported({ input: 1000, output: 0 }), { request, exchange: regional })
    expect(there.cost.picodollars).toBe((here.cost.picodollars! * 11n) / 10n)
    const fast = (answer: Answer): void => {
      reported({ input: 1000, output: 0 })(answer)
      answer.rawUsage = { speed: 'fast', inference_geo: 'us' }
    }
    const claude = await run(fast, {
      request: { model: 'claude-opus-4-8' },
      exchange: { open: { provider: 'anthropic' } },
    })
    expect(claude.cost.picodollars).toBe((1000n * 5_000_000n * 22n) / 10n)
  })
})
