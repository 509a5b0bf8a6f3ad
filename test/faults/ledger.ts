import type { Outcome } from '../../src/records/outcome.ts'

/** How a client saw its call end: `left` when it was the client who went, `failed` with an answer other than 200. */
export type ClientEnd = 'clean' | 'cut' | 'left' | 'failed'

/** What a store says about one record. */
export interface Kept {
  id: string
  /** The number that the client gave the call. */
  call: string | null
  outcome: Outcome
  responseSha256: string | null
}

export interface Findings {
  calls: number
  completed: number
  records: number
  interrupted: number
  /** Calls that were cut or failed although proxy and upstream were well. */
  requestsLost: string[]
  /** Completed calls, answers whose head came, or requests that the upstream saw, without a record of theirs. */
  recordsLost: string[]
  /** Calls with more than one record, or that the upstream saw twice. */
  doubled: string[]
  /** Records that say something else than what the client or the upstream saw. */
  untrue: string[]
}

/** What would have to be empty. */
export const losses = ({ requestsLost, recordsLost, doubled, untrue }: Findings) => ({
  requestsLost,
  recordsLost,
  doubled,
  untrue,
})
export const none = { requestsLost: [], recordsLost: [], doubled: [], untrue: [] }

interface Noted {
  id: string | null
  end: ClientEnd | null
  sha256: string | null
  excused: boolean
  atUpstream: number
}

/** The lists of the clients and of the upstream, kept apart from the product, to be compared with what a store holds. */
export class Ledger {
  #calls = new Map<string, Noted>()

  /** A client is about to send this call. */
  begun(call: string) {
    this.#calls.set(call, { id: null, end: null, sha256: null, excused: false, atUpstream: 0 })
  }

  /** A client saw the head of the answer. */
  headed(call: string, id: string | null) {
    this.#noted(call).id = id
  }

  /** `excused`: the proxy had been killed, or client or upstream cut the call. `sha256`: of a complete answer. */
  ended(call: string, end: ClientEnd, excused: boolean, sha256: string | null = null) {
    Object.assign(this.#noted(call), { end, excused, sha256 })
  }

  /** The upstream received the head of this call. */
  arrived(call: string) {
    this.#noted(call).atUpstream++
  }

  compare(kept: readonly Kept[]): Findings {
    const found: Findings = {
      calls: this.#calls.size,
      completed: 0,
      records: kept.length,
      interrupted: kept.filter(({ outcome }) => outcome === 'interrupted').length,
      requestsLost: [],
      recordsLost: [],
      doubled: [],
      untrue: [],
    }
    const byCall = Map.groupBy(kept, ({ call }) => call ?? '')
    for (const [call, noted] of this.#calls) this.#check(call, noted, byCall.get(call) ?? [], found)
    for (const { id, call } of kept) {
      if (!this.#calls.has(call ?? '')) found.untrue.push(`${id} is a record of ${call}, which nobody sent`)
    }
    return found
  }

  #check(call: string, noted: Noted, records: readonly Kept[], found: Findings) {
    const { id, end, sha256, excused, atUpstream } = noted
    const [record] = records
    if (end === 'clean') found.completed++
    if (end !== 'clean' && !excused) found.requestsLost.push(`${call} ended ${end}`)
    if (!record && (end === 'clean' || id !== null || atUpstream > 0)) {
      found.recordsLost.push(`${call} (${id}): client ${end}, seen ${atUpstream} times by the upstream`)
    }
    if (records.length > 1 || atUpstream > 1) {
      found.doubled.push(`${call}: ${records.length} records, seen ${atUpstream} times by the upstream`)
    }
    if (!record) return
    if (id !== null && record.id !== id) found.untrue.push(`${call}: the client was told ${id}, kept is ${record.id}`)
    if (end === 'failed' && record.outcome === 'ok') found.untrue.push(`${call} failed and is recorded as ok`)
    if (end !== 'clean') return
    if (record.outcome !== 'ok') found.untrue.push(`${call} completed and is recorded as ${record.outcome}`)
    if (record.responseSha256 !== sha256) {
      found.untrue.push(`${call}: answer ${sha256}, recorded ${record.responseSha256}`)
    }
  }

  #noted(call: string): Noted {
    const noted = this.#calls.get(call)
    if (!noted) throw new RangeError(`${call} was never begun`)
    return noted
  }
}
