import type { Check, CheckName } from '../pipeline/verify/check.ts'

export interface VerifiedCall {
  place: string
  id: string
  /** Version of the program that made the record. */
  recorded_by: string | null
  checks: readonly Check[]
}

export interface VerifyReport {
  checked: number
  differing: number
  /** Calls with differences, as many as are listed. */
  calls: readonly VerifiedCall[]
  /** Calls with differences beyond those. */
  more: number
  not_checked: readonly { what: CheckName; why: string; calls: number }[]
}

const mostCalls = 1_000
const mostReasons = 200

/** Adds up what was found in many calls; those that differ are kept, up to a limit. */
export class VerifyTally {
  checked = 0
  differing = 0
  readonly #calls: VerifiedCall[] = []
  readonly #reasons = new Map<string, { what: CheckName; why: string; calls: number }>()

  add(call: VerifiedCall): void {
    this.checked++
    if (call.checks.some(({ state }) => state === 'differs')) {
      this.differing++
      const checks = call.checks.filter(({ state }) => state === 'differs')
      if (this.#calls.length < mostCalls) this.#calls.push({ ...call, checks })
    }
    for (const { what, why } of call.checks) if (why !== null) this.#count(what, why)
  }

  report = (): VerifyReport => ({
    checked: this.checked,
    differing: this.differing,
    calls: this.#calls,
    more: this.differing - this.#calls.length,
    not_checked: [...this.#reasons.values()],
  })

  #count(what: CheckName, why: string): void {
    const name = `${what}: ${why}`
    const known = this.#reasons.get(name)
    if (known) known.calls++
    else if (this.#reasons.size < mostReasons) this.#reasons.set(name, { what, why, calls: 1 })
  }
}
