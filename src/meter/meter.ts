import { type Decoded, noFacts } from '../formats/decoder.ts'
import type { Observed } from '../formats/observed.ts'
import type { Exchange } from '../records/exchange.ts'
import { booleanAt, numberAt, stringAt } from '../records/json.ts'
import { estimatedOperations, modelOperations, type Outcome } from '../records/outcome.ts'
import { type TokenSource, type Usage, unknownUsage } from '../records/usage.ts'
import { costOf } from './cost.ts'
import { decimalOf, decimalText, scaled, scaledRounded } from './decimal.ts'
import { estimate } from './estimate.ts'
import type { Cost, Metered, TokenCounter } from './metered.ts'
import { outcomeOf } from './outcome.ts'
import type { PriceBook } from './prices.ts'
import { timingOf } from './timing.ts'

export interface MeterParts {
  prices: PriceBook
  tokens: TokenCounter
}

/** The numbers of one exchange: what the provider reported, else an estimate marked as one, else null. */
export async function meter(exchange: Exchange, observed: Observed, { prices, tokens }: MeterParts): Promise<Metered> {
  const counts = await tokensOf(observed, outcomeOf(exchange, observed).outcome, tokens)
  return {
    ...counts,
    timing: timingOf(exchange, observed.decoded, counts.usage),
    cost: priced(exchange, observed, counts, prices),
  }
}

type Counts = Pick<Metered, 'usage' | 'tokenSource' | 'tokenizer'>

async function tokensOf(observed: Observed, outcome: Outcome, counter: TokenCounter): Promise<Counts> {
  const { decoded, operation, request } = observed
  const reported = decoded?.usage ?? null
  const source: TokenSource = reported === null ? 'none' : (decoded?.tokenSource ?? 'none')
  const asReported: Counts = { usage: reported, tokenSource: source, tokenizer: null }
  const needed = decoded !== null && needsEstimate(decoded, outcome, operation === 'embeddings')
  if (!estimatedOperations.has(operation) || !needed) return asReported
  const guess = await estimate(operation, request ?? noFacts, decoded, counter)
  const usage = completed(reported, guess, operation === 'embeddings')
  return { usage, tokenSource: 'estimated', tokenizer: guess.tokenizer }
}

/** Something was generated (or an answer succeeded) and a count of it is missing, or was told before the answer was cut. */
function needsEstimate(decoded: Decoded, outcome: Outcome, embeddings: boolean): boolean {
  if (decoded.pending) return false
  if (decoded.finishReason === 'load' || decoded.finishReason === 'unload') return false
  const generated = decoded.contentEvents > 0
  const succeeded = outcome === 'ok' || outcome === 'truncated' || outcome === 'filtered'
  if (!succeeded && !generated) return false
  const { usage } = decoded
  if (usage === null || usage.input === null || (usage.output === null && !embeddings)) return true
  return generated && !succeeded && !decoded.terminated && decoded.finishReason === null
}

function completed(
  reported: Usage | null,
  guess: { input: number | null; output: number },
  embeddings: boolean,
): Usage {
  const known = reported ?? unknownUsage
  return {
    ...known,
    input: known.input ?? guess.input,
    // a count told before the end of a cut answer is a lower bound, and so is ours
    output: embeddings ? known.output : Math.max(known.output ?? 0, guess.output),
  }
}

function priced(exchange: Exchange, observed: Observed, counts: Counts, prices: PriceBook): Cost {
  const { decoded, operation, request } = observed
  if (!modelOperations.has(operation))
    return { picodollars: null, estimated: false, unpricedReason: null, priceVersion: null, lines: [] }
  const serviceTier = decoded?.serviceTier ?? stringAt(decoded?.rawUsage, 'service_tier')
  return costOf(
    {
      provider: exchange.open.provider,
      model: decoded?.model ?? request.model,
      wallMs: exchange.open.wallMs,
      usage: withUpstreamBill(counts.usage, decoded),
      estimated: counts.tokenSource === 'estimated',
      serviceTier,
      batch: serviceTier === 'batch',
      conditions: conditionsOf(exchange, decoded),
    },
    prices,
  )
}

/** With a key of one's own behind OpenRouter its bill is its fee alone; the vendor's part is told beside it. */
function withUpstreamBill(usage: Usage | null, decoded: Decoded | null): Usage | null {
  if (!usage || usage.costReportedUsd === null || booleanAt(decoded?.rawUsage, 'is_byok') !== true) return usage
  const upstream = numberAt(decoded?.rawUsage, 'cost_details', 'upstream_inference_cost')
  if (upstream === null || upstream < 0) return { ...usage, costReportedUsd: null }
  const total = scaledRounded(usage.costReportedUsd, 12) + scaled(decimalOf(upstream), 12)
  return { ...usage, costReportedUsd: decimalText(total, 12) }
}

/** What multiplies token prices: told by the usage object (speed, place of inference) or by a regional host name. */
function conditionsOf({ open }: Exchange, decoded: Decoded | null): string[] {
  const told = ['speed', 'inference_geo'].flatMap((name) => {
    const value = stringAt(decoded?.rawUsage, name)
    return value === null ? [] : [`${name}:${value}`]
  })
  const region = /^https?:\/\/(us|eu)\.api\./.exec(open.origin)?.[1]
  return region === undefined ? told : [...told, `region:${region}`]
}
