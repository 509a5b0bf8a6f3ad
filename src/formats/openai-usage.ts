import { type Count, sumKnown, without } from '../records/count.ts'
import { at, countAt, isObject, type JsonObject, numberAt, stringAt } from '../records/json.ts'
import { type TokenSource, type Usage, unknownUsage } from '../records/usage.ts'
import { decimalText } from './decimal-text.ts'
import type { DecodeHints, RequestFacts, ServerTimings } from './decoder.ts'
import { billOf, usageOfCounters } from './other-counts.ts'

/** What the usage objects of one answer come to. */
export interface UsageReading {
  usage: Usage | null
  tokenSource: TokenSource
  rawUsage: unknown
  timings: Partial<ServerTimings>
}

/**
 * Gathers the usage objects of one OpenAI-shaped answer. The last one that is not all zero wins; where the vendor sends parts
 * (one a choice), outputs are added and each prompt is counted once. llama.cpp's `timings` stand in when none came.
 */
export function openaiUsage(request: RequestFacts, hints: DecodeHints): UsageCollector {
  return new UsageCollector(request, hints)
}

class UsageCollector {
  readonly #hints: DecodeHints
  readonly #choicesPerPrompt: number
  readonly #several: boolean
  readonly #usage = new Parts()
  readonly #timings = new Parts()
  #zeros: JsonObject | null = null
  #durations: JsonObject | null = null
  #counters: JsonObject | null = null
  #final = false

  constructor(request: RequestFacts, hints: DecodeHints) {
    this.#hints = hints
    this.#choicesPerPrompt = Math.max(1, request.parameters.n ?? 1)
    this.#several = this.#choicesPerPrompt > 1 || request.inputs > 1
  }

  /** Looks at a chunk or a whole answer, before anybody looks at its choices. */
  see(value: JsonObject): void {
    const choices = Array.isArray(value.choices) ? value.choices : []
    const index = choices.length === 1 ? countAt(choices[0], 'index') : null
    const usage = isObject(value.usage) ? value.usage : objectAt(value, this.#hints.usageAt)
    if (usage && saysNothing(usage)) this.#zeros = usage
    else if (usage) this.#usage.add(usage, index)
    if (usage) this.#final = choices.length === 0 || choices.some((choice) => stringAt(choice, 'finish_reason'))
    if (isObject(value.timings)) this.#timings.add(value.timings, index)
    const { durationsAt, countersAt } = this.#hints
    if (durationsAt) this.#durations = objectAt(value, durationsAt) ?? this.#durations
    if (countersAt) this.#counters = objectAt(value, countersAt) ?? this.#counters
  }

  /** `terminated`: the server said itself that the answer is complete, so the last usage is the total. */
  read(terminated: boolean): UsageReading {
    const durations = this.#hints.durationsAt ? this.#durations : this.#usage.last
    const timings = { ...timingsOf(this.#timings.last), ...durationsOf(durations, this.#hints) }
    const reported = this.#total(this.#usage, (raw) => this.#billed(usageOf(raw, this.#hints), terminated), terminated)
    if (reported) return { ...reported, tokenSource: 'reported', timings }
    const timed = this.#total(this.#timings, usageOfTimings, terminated)
    if (timed?.usage?.output) return { ...timed, tokenSource: 'timings', timings }
    const counted = this.#counters && usageOfCounters(this.#counters)
    if (counted) return { usage: counted, tokenSource: 'reported', rawUsage: this.#counters, timings }
    return { usage: null, tokenSource: 'none', rawUsage: this.#zeros, timings }
  }

  /** While an answer runs, a vendor's bill is not yet written: some say 0 until the end. */
  #billed(usage: Usage, terminated: boolean): Usage {
    return terminated || this.#final ? usage : { ...usage, costReportedUsd: null }
  }

  #total(
    parts: Parts,
    read: (raw: JsonObject) => Usage,
    terminated: boolean,
  ): { usage: Usage; rawUsage: unknown } | null {
    if (parts.last === null) return null
    const perChoice = [...parts.byChoice]
    // vLLM's running counts belong to one choice each; only its final object, without a choice, is the sum
    const running = !terminated && parts.ofAnswer.length === 0 && perChoice.length > 1
    if (!this.#several || !(this.#hints.usagePerChoice || running))
      return { usage: read(parts.last), rawUsage: parts.last }
    const all = [...perChoice, ...parts.ofAnswer.map((raw): Part => [0, raw])].toSorted(([one], [other]) => one - other)
    const prompts = new Map<number, Usage>()
    for (const [index, raw] of all) {
      const prompt = Math.floor(index / this.#choicesPerPrompt)
      if (!prompts.has(prompt)) prompts.set(prompt, read(raw))
    }
    if (all.length === 1) return { usage: read(parts.last), rawUsage: parts.last }
    const usage = summed(
      [...prompts.values()],
      all.map(([, raw]) => read(raw)),
    )
    return { usage, rawUsage: all.map(([, raw]) => raw) }
  }
}

type Part = [index: number, raw: JsonObject]

/** Objects as they came: the last of each choice, and those that belong to no single choice. */
class Parts {
  last: JsonObject | null = null
  readonly byChoice = new Map<number, JsonObject>()
  readonly ofAnswer: JsonObject[] = []

  add(raw: JsonObject, index: number | null): void {
    this.last = raw
    if (index === null) {
      if (this.ofAnswer.length < partLimit) this.ofAnswer.push(raw)
    } else if (this.byChoice.has(index) || this.byChoice.size < partLimit) this.byChoice.set(index, raw)
  }
}

const partLimit = 256

/** One usage object in the normal form. Cached input stands inside the input, reasoning inside the output. */
export function usageOf(raw: JsonObject, hints: DecodeHints = {}): Usage {
  const input = countAt(raw, 'prompt_tokens') ?? countAt(raw, 'input_tokens')
  const said = countAt(raw, 'completion_tokens') ?? countAt(raw, 'output_tokens')
  const inputs = firstObject(raw, ...inputDetails)
  const outputs = firstObject(raw, ...outputDetails)
  const reasoning = countAt(outputs, 'reasoning_tokens') ?? countAt(raw, 'reasoning_tokens')
  const cacheRead =
    countAt(inputs, 'cached_tokens') ??
    cacheReadNames.map((name): Count => countAt(raw, name)).find((count) => count !== null) ??
    null
  const cacheWrite = countAt(inputs, 'cache_write_tokens')
  const rest = hints.outputIsRestOfTotal ? without(countAt(raw, 'total_tokens'), input) : null
  const unsaid = without(rest, said)
  return {
    ...unknownUsage,
    input,
    inputUncached: without(input, cacheRead, cacheWrite),
    cacheRead,
    cacheWrite,
    output: hints.outputExcludesReasoning ? sumKnown(said, reasoning) : sumKnown(said, unsaid),
    reasoning: reasoning ?? (unsaid || null),
    audioInput: countAt(inputs, 'audio_tokens'),
    cachedAudioInput: countAt(inputs, 'cached_tokens_details', 'audio_tokens'),
    audioOutput: countAt(outputs, 'audio_tokens'),
    imageInput: countAt(inputs, 'image_tokens'),
    cachedImageInput: countAt(inputs, 'cached_tokens_details', 'image_tokens'),
    imageOutput: countAt(outputs, 'image_tokens'),
    predictionAccepted: countAt(outputs, 'accepted_prediction_tokens'),
    predictionRejected: countAt(outputs, 'rejected_prediction_tokens'),
    webSearches: countAt(raw, 'server_tool_use_details', 'web_search_requests') ?? countAt(raw, 'num_search_queries'),
    citations: countAt(raw, 'citation_tokens'),
    requestFees: hints.requestFee ? 1 : null,
    searchContext: stringAt(raw, 'search_context_size'),
    totalReported: countAt(raw, 'total_tokens'),
    costReportedUsd: decimalText(at(raw, 'cost')) ?? decimalText(at(raw, 'cost', 'total_cost')) ?? billOf(raw, hints),
  }
}

/** Names of the cached input where it stands beside the totals. */
const cacheReadNames = ['num_cached_tokens', 'prompt_cache_hit_tokens', 'cached_tokens']

const inputDetails = ['prompt_tokens_details', 'prompt_token_details', 'input_tokens_details', 'input_token_details']
const outputDetails = ['completion_tokens_details', 'output_tokens_details', 'output_token_details']

/** llama.cpp: the prompt is what its cache held plus what it read, the output what it predicted. */
function usageOfTimings(raw: JsonObject): Usage {
  const cacheRead = countAt(raw, 'cache_n')
  const input = sumKnown(cacheRead, countAt(raw, 'prompt_n'))
  return {
    ...unknownUsage,
    input,
    inputUncached: without(input, cacheRead),
    cacheRead,
    output: countAt(raw, 'predicted_n'),
  }
}

function summed(prompts: readonly Usage[], parts: readonly Usage[]): Usage {
  const total: Usage = { ...unknownUsage }
  for (const field of fields) {
    const from = outputFields.has(field) ? parts : prompts
    total[field] = sumKnown(...from.map((usage) => usage[field]))
  }
  total.totalReported = null
  return total
}

type CountField = Exclude<keyof Usage, 'costReportedUsd' | 'searchContext'>
const fields = Object.keys(unknownUsage).filter(
  (key): key is CountField => key !== 'costReportedUsd' && key !== 'searchContext',
)
const outputFields: ReadonlySet<CountField> = new Set<CountField>([
  'output',
  'reasoning',
  'audioOutput',
  'imageOutput',
  'videoOutput',
  'predictionAccepted',
  'predictionRejected',
])

/** A usage object of zeros stands for "not yet" (Ollama) or "not counted" (llama-cpp-python). */
function saysNothing(raw: JsonObject): boolean {
  const counts = countNames.map((name): Count => countAt(raw, name)).filter((count) => count !== null)
  return counts.every((count) => count === 0)
}

const countNames = ['prompt_tokens', 'completion_tokens', 'input_tokens', 'output_tokens', 'total_tokens']

function objectAt(value: JsonObject, path: readonly string[] | undefined): JsonObject | null {
  const found = path ? at(value, ...path) : null
  return isObject(found) ? found : null
}

function firstObject(raw: JsonObject, ...names: string[]): JsonObject | null {
  for (const name of names) {
    const found = raw[name]
    if (isObject(found)) return found
  }
  return null
}

function timingsOf(raw: JsonObject | null): Partial<ServerTimings> {
  if (raw === null) return {}
  return { promptMs: numberAt(raw, 'prompt_ms'), generationMs: numberAt(raw, 'predicted_ms') }
}

const millisecondsPer = { s: 1000, ms: 1, ns: 1e-6 }

/** Durations inside the usage object, or in one of their own. */
function durationsOf(raw: JsonObject | null, hints: DecodeHints): Partial<ServerTimings> {
  if (raw === null || !hints.durationsIn) return {}
  const factor = millisecondsPer[hints.durationsIn]
  const durations: Partial<ServerTimings> = {}
  for (const [name, field] of durationNames) {
    const value = numberAt(raw, name)
    if (value !== null && value >= 0) durations[field] = value * factor
  }
  return durations
}

const durationNames = [
  ['queue_time', 'queueMs'],
  ['prompt_time', 'promptMs'],
  ['completion_time', 'generationMs'],
  ['generation_time', 'generationMs'],
  ['total_time', 'totalMs'],
  ['total_latency', 'totalMs'],
] as const
