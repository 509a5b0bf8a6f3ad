import { type CostChange, type StoredCall, withCost } from './repricing.ts'
import { factsOfCall } from './rollups/facts.ts'

/** What pricing again changes in the cost of some calls; money in 10⁻¹² dollars as decimal text. */
export interface CostDifference {
  calls: number
  /** Of those, the calls whose record changes. */
  changed: number
  before: string
  after: string
  difference: string
  newly_priced: number
  no_longer_priced: number
  /** Used tokens, and have no price by the present list either. */
  still_unpriced: number
}

export interface GroupDifference extends CostDifference {
  /** Null, both: all groups beyond those that are told apart. */
  project: string | null
  model: string | null
}

export interface UnpricedReason {
  reason: string
  calls: number
}

/** Adds up what changes, by project and model; what clients make up does not grow it for ever. */
export class RepriceTally {
  readonly #all = new Difference()
  readonly #groups = new Map<string, { project: string | null; model: string | null; sums: Difference }>()
  readonly #reasons = new Map<string, number>()

  add(call: StoredCall, change: CostChange | null): void {
    const { metadata } = call.telemetry
    const reason = this.#all.add(call, change)
    this.#groupOf(metadata.project_id, metadata.llm_model).add(call, change)
    if (reason === null) return
    const name = this.#reasons.size < mostReasons || this.#reasons.has(reason) ? reason : 'other reasons'
    this.#reasons.set(name, (this.#reasons.get(name) ?? 0) + 1)
  }

  totals = (): CostDifference => this.#all.result()

  /** Those whose cost changes most come first. */
  groups(): readonly GroupDifference[] {
    return [...this.#groups.values()]
      .sort((one, other) => Number(other.sums.size - one.sums.size) || other.sums.calls - one.sums.calls)
      .map(({ project, model, sums }) => ({ project, model, ...sums.result() }))
  }

  reasons(): readonly UnpricedReason[] {
    return [...this.#reasons]
      .map(([reason, calls]) => ({ reason, calls }))
      .sort((one, other) => other.calls - one.calls)
  }

  #groupOf(project: string, model: string | null): Difference {
    const name = `${project}\0${model ?? ''}`
    const isTold = this.#groups.has(name) || this.#groups.size < mostGroups
    const key = isTold ? name : ''
    const known = this.#groups.get(key)
    if (known) return known.sums
    const sums = new Difference()
    this.#groups.set(key, { ...(isTold ? { project, model } : { project: null, model: null }), sums })
    return sums
  }
}

const mostGroups = 5_000
const mostReasons = 1_000
const noGaps = new Uint8Array(0)

class Difference {
  calls = 0
  #changed = 0
  #before = 0n
  #after = 0n
  #newlyPriced = 0
  #noLongerPriced = 0
  #stillUnpriced = 0

  /** How far it moves the cost, in either direction. */
  get size(): bigint {
    const moved = this.#after - this.#before
    return moved < 0n ? -moved : moved
  }

  /** Returns why the call has no price, if it used tokens and has none. */
  add({ telemetry }: StoredCall, change: CostChange | null): string | null {
    const before = factsOfCall(telemetry, noGaps)
    const newer = change === null ? telemetry : withCost(telemetry, change.cost.fields)
    const after = factsOfCall(newer, noGaps)
    this.calls++
    if (change !== null) this.#changed++
    this.#before += before.picodollars ?? 0n
    this.#after += after.picodollars ?? 0n
    if (before.picodollars === null && after.picodollars !== null) this.#newlyPriced++
    if (before.picodollars !== null && after.picodollars === null) this.#noLongerPriced++
    if (!after.unpriced) return null
    this.#stillUnpriced++
    return newer.metadata.unpriced_reason ?? 'no reason is known'
  }

  result(): CostDifference {
    return {
      calls: this.calls,
      changed: this.#changed,
      before: this.#before.toString(),
      after: this.#after.toString(),
      difference: (this.#after - this.#before).toString(),
      newly_priced: this.#newlyPriced,
      no_longer_priced: this.#noLongerPriced,
      still_unpriced: this.#stillUnpriced,
    }
  }
}
