export type Written = (safe: boolean) => void

/** Who is told once a frame is on the disk, or why not to wait for it. */
export interface Waiting {
  exchange: number
  /** It is the exchange's CLOSE that is waited for, else its OPEN. */
  last: boolean
  written: Written
}

/** Tells those who wait, and counts the calls that went on without being safe: each once, whichever of its ends it was. */
export class Releases {
  #counters: { unprotected: number }
  /** Open exchanges whose OPEN was not on the disk when they went on. */
  #open = new Set<number>()
  #problem: (event: string, error: unknown) => void

  constructor(counters: { unprotected: number }, problem: (event: string, error: unknown) => void) {
    this.#counters = counters
    this.#problem = problem
  }

  tell(waiting: readonly Waiting[], safe: boolean) {
    for (const { exchange, last, written } of waiting) {
      if (!safe || this.#open.size > 0) this.#count(exchange, last, safe)
      try {
        written(safe)
      } catch (error) {
        this.#problem('journal callback threw', error)
      }
    }
  }

  #count(exchange: number, last: boolean, safe: boolean) {
    const known = this.#open.has(exchange)
    if (last) this.#open.delete(exchange)
    else if (!safe) this.#open.add(exchange)
    if (!safe && !known) this.#counters.unprotected++
  }
}
