import type { Distribution, UsageSums } from '../store.ts'
import type { CallFacts } from './facts.ts'
import { Histogram, saturated } from './histogram.ts'
import { NumberReader, NumberWriter } from './varints.ts'

/** What is added up over calls. Adding is exact in any order, so rollups, records and instances may be mixed. */
export interface Sums {
  counts: Counts
  picodollars: bigint
  latency: Histogram
  ttft: Histogram
  gaps: Histogram
}

export type Counts = Record<(typeof countNames)[number], number>

/** Whole numbers, in the order in which `encodeSums` writes them. */
export const countNames = [
  'requests',
  'errors',
  'estimated',
  'unpriced',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'total_tokens',
  'request_bytes',
  'response_bytes',
  'generated_tokens',
  'generation_us',
] as const

export const emptySums = (): Sums => ({
  counts: {
    requests: 0,
    errors: 0,
    estimated: 0,
    unpriced: 0,
    input_tokens: 0,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    total_tokens: 0,
    request_bytes: 0,
    response_bytes: 0,
    generated_tokens: 0,
    generation_us: 0,
  },
  picodollars: 0n,
  latency: new Histogram(),
  ttft: new Histogram(),
  gaps: new Histogram(),
})

export function addCall(sums: Sums, call: CallFacts): void {
  const { counts } = sums
  counts.requests++
  if (call.error) counts.errors++
  if (call.estimated) counts.estimated++
  if (call.unpriced) counts.unpriced++
  counts.input_tokens = saturated(counts.input_tokens + call.inputTokens)
  counts.cached_input_tokens = saturated(counts.cached_input_tokens + call.cachedInputTokens)
  counts.cache_write_tokens = saturated(counts.cache_write_tokens + call.cacheWriteTokens)
  counts.output_tokens = saturated(counts.output_tokens + call.outputTokens)
  counts.reasoning_tokens = saturated(counts.reasoning_tokens + call.reasoningTokens)
  counts.total_tokens = saturated(counts.total_tokens + call.totalTokens)
  counts.request_bytes = saturated(counts.request_bytes + call.requestBytes)
  counts.response_bytes = saturated(counts.response_bytes + call.responseBytes)
  counts.generated_tokens = saturated(counts.generated_tokens + call.generatedTokens)
  counts.generation_us = saturated(counts.generation_us + Math.round(call.generationMs * 1000))
  if (call.picodollars !== null) sums.picodollars += call.picodollars
  sums.latency.add(call.latencyMs)
  if (call.ttftMs !== null) sums.ttft.add(call.ttftMs)
  if (call.gaps.length > 0) sums.gaps.mergeEncoded(new NumberReader(call.gaps), call.gaps.length)
}

export function mergeSums(into: Sums, other: Sums): void {
  for (const name of countNames) into.counts[name] = saturated(into.counts[name] + other.counts[name])
  into.picodollars += other.picodollars
  into.latency.merge(other.latency)
  into.ttft.merge(other.ttft)
  into.gaps.merge(other.gaps)
}

const histogramNames = ['latency', 'ttft', 'gaps'] as const
const encodingVersion = 1
const writer = new NumberWriter()
const histogramWriter = new NumberWriter()

/** A version, the counts, the money, then each histogram after its length. */
export function encodeSums(sums: Sums): Uint8Array {
  writer.clear().varint(encodingVersion)
  for (const name of countNames) writer.varint(sums.counts[name])
  writer.bigVarint(sums.picodollars)
  for (const name of histogramNames) {
    sums[name].encode(histogramWriter.clear())
    const bytes = histogramWriter.bytes()
    writer.varint(bytes.length)
    writer.append(bytes)
  }
  return writer.bytes()
}

/** Adds what `encodeSums` made. */
export function mergeEncodedSums(into: Sums, bytes: Uint8Array): void {
  const from = new NumberReader(bytes)
  const version = from.varint()
  if (version !== encodingVersion)
    throw new RangeError(`sums of encoding ${version}: this program knows ${encodingVersion}`)
  for (const name of countNames) into.counts[name] = saturated(into.counts[name] + from.varint())
  into.picodollars += from.bigVarint()
  for (const name of histogramNames) {
    const end = from.varint() + from.at
    into[name].mergeEncoded(from, end)
  }
}

/** The sums as an answer to people and programs. */
export function usageSums({ counts, picodollars, latency, ttft, gaps }: Sums): UsageSums {
  return {
    requests: counts.requests,
    errors: counts.errors,
    estimated: counts.estimated,
    unpriced: counts.unpriced,
    input_tokens: counts.input_tokens,
    cached_input_tokens: counts.cached_input_tokens,
    output_tokens: counts.output_tokens,
    reasoning_tokens: counts.reasoning_tokens,
    total_tokens: counts.total_tokens,
    cost_picodollars: picodollars.toString(),
    cost_usd: Number(picodollars) / 1e12,
    request_bytes: counts.request_bytes,
    response_bytes: counts.response_bytes,
    latency_ms: distribution(latency),
    ttft_ms: distribution(ttft),
    inter_token_ms: distribution(gaps),
    output_tokens_per_second:
      counts.generation_us === 0 ? null : (counts.generated_tokens / counts.generation_us) * 1e6,
  }
}

const distribution = (values: Histogram): Distribution | null =>
  values.count === 0
    ? null
    : {
        mean: values.meanMs,
        p50: values.quantile(0.5),
        p95: values.quantile(0.95),
        p99: values.quantile(0.99),
        max: values.maxMs,
      }
