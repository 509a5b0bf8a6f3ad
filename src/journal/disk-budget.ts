/** What a look at the disk found: bytes that the data directory takes, and bytes that the disk still has. */
export interface DiskUse {
  usedBytes: number
  freeBytes: number
}

/** `free`: everything is written. `lean`: no bodies. `full`: no new calls. */
export type BudgetState = 'free' | 'lean' | 'full'

/**
 * How much of the limit is used up: what the last look at the files found, and what was written since. A disk that has less
 * room than the limit lowers it, so that calls are counted before writes begin to fail.
 */
export class DiskBudget {
  state: BudgetState = 'free'
  #limitBytes: number
  #use: DiskUse = { usedBytes: 0, freeBytes: Number.POSITIVE_INFINITY }
  #writtenThen = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** `written`: bytes that the journal has written until now. */
  looked(use: DiskUse, written: number) {
    this.#use = use
    this.#writtenThen = written
    this.#judge(written)
  }

  /** Costs a comparison or two: it is asked for every frame. */
  now(written: number): BudgetState {
    if (written !== this.#writtenThen) this.#judge(written)
    return this.state
  }

  #judge(written: number) {
    const limit = limitOf(this.#use, this.#limitBytes)
    const used = this.#use.usedBytes + written - this.#writtenThen
    // back only when there is some room again, so that the state does not change with every call
    if (used >= limit || (this.state === 'full' && used >= limit * 0.95)) this.state = 'full'
    else if (used >= limit * 0.8 || (this.state !== 'free' && used >= limit * 0.75)) this.state = 'lean'
    else this.state = 'free'
  }
}

/** The limit, or what the disk has if that is less. */
export function limitOf({ usedBytes, freeBytes }: DiskUse, limitBytes: number): number {
  const room = usedBytes + freeBytes
  return Math.min(limitBytes, room - Math.min(reserveBytes, room * reservePart))
}

/** What of it the embedded database may have: the rest is for the journal, which keeps bodies up to eight tenths. */
export const databaseLimit = (limitBytes: number, wantedBytes: number | null): number =>
  Math.min(wantedBytes ?? limitBytes / 2, limitBytes * 0.7)

/** Left on the disk for the database, which has to grow before the journal can shrink. */
const reserveBytes = 64 * 1024 * 1024
const reservePart = 0.1
