import { Counter, Histogram, Registry } from 'prom-client'
import { type BucketCounts, bucketBoundsMs, type CallTotals, tokenKinds } from '../../stores/own-store.ts'

const labelNames = ['provider', 'model', 'project'] as const
type Label = (typeof labelNames)[number]
type Labels = Record<Label, string>

/** Totals of calls as Prometheus text. Takes a while for many names: run it off the data plane's thread. */
export async function callMetrics(totals: readonly CallTotals[]): Promise<string> {
  const registry = new Registry()
  const registers = [registry]
  const counter = <More extends string = never>(name: string, help: string, more: readonly More[] = []) =>
    new Counter<Label | More>({ name: `sightglass_${name}`, help, labelNames: [...labelNames, ...more], registers })
  const buckets = (kind: keyof typeof bucketBoundsMs, name: string, help: string) =>
    new FilledHistogram({ name: `sightglass_${name}`, help, labelNames, registers, buckets: secondsOf(kind) })

  const calls = counter('calls_total', 'Calls of models that ended.')
  const errors = counter('errors_total', 'Calls of models that ended in an error, by outcome.', ['outcome'])
  const tokens = counter(
    'tokens_total',
    'Tokens; cached_input and cache_write are parts of input, reasoning of output.',
    ['direction'],
  )
  const cost = counter('cost_usd_total', 'Cost in US dollars of the calls that have a price.')
  const unpriced = counter(
    'unpriced_calls_total',
    'Calls that used tokens and have no price; they are not in the cost.',
  )
  const estimated = counter('estimated_calls_total', 'Calls whose tokens were estimated.')
  const others = new Counter({
    name: 'sightglass_other_calls_total',
    help: 'Calls that are no calls of models: lists, probes and whatever else passed.',
    labelNames: ['provider'],
    registers,
  })
  const latency = buckets('latency', 'latency_seconds', 'From the accepted request to the end of the answer.')
  const ttft = buckets('ttft', 'ttft_seconds', 'From the accepted request to the first generated content.')
  const gaps = buckets('gaps', 'inter_token_seconds', 'Between pieces of content.')

  for (const { provider, model, project, ...total } of totals) {
    if (total.otherCalls > 0) others.inc({ provider }, total.otherCalls)
    if (total.calls === 0) continue
    const labels = { provider, model, project }
    calls.inc(labels, total.calls)
    for (const [outcome, count] of Object.entries(total.errors)) errors.inc({ ...labels, outcome }, count)
    for (const direction of tokenKinds) tokens.inc({ ...labels, direction }, total.tokens[direction])
    cost.inc(labels, total.costUsd)
    unpriced.inc(labels, total.unpriced)
    estimated.inc(labels, total.estimated)
    latency.fill(labels, total.latency)
    ttft.fill(labels, total.ttft)
    gaps.fill(labels, total.gaps)
  }
  return await registry.metrics()
}

const secondsOf = (kind: keyof typeof bucketBoundsMs): number[] => bucketBoundsMs[kind].map((ms) => ms / 1_000)

interface Value {
  metricName: string
  labels: Labels & { le?: number | string }
  value: number
}

/** A histogram that was counted elsewhere. */
class FilledHistogram extends Histogram<Label> {
  readonly #bounds: readonly number[]
  readonly #name: string
  readonly #help: string
  readonly #values: Value[] = []

  constructor(configuration: ConstructorParameters<typeof Histogram<Label>>[0] & { buckets: number[] }) {
    super(configuration)
    this.#bounds = configuration.buckets
    this.#name = configuration.name
    this.#help = configuration.help
  }

  fill(labels: Labels, { atMost, count, sumMs }: BucketCounts): void {
    const bucket = (le: number | string, value: number): Value => ({
      metricName: `${this.#name}_bucket`,
      labels: { ...labels, le },
      value,
    })
    this.#values.push(
      ...this.#bounds.map((bound, place) => bucket(bound, atMost[place] ?? 0)),
      bucket('+Inf', count),
      { metricName: `${this.#name}_sum`, labels, value: sumMs / 1_000 },
      { metricName: `${this.#name}_count`, labels, value: count },
    )
  }

  /** What the registry asks for when it writes text. */
  async getForPromString() {
    return { name: this.#name, help: this.#help, type: 'histogram', values: this.#values }
  }
}
