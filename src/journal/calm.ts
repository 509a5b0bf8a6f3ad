const firstWaitMs = 1_000
const lastWaitMs = 60_000

/** Tells when a disk that stalled has been quick for long enough. Each stall soon after a return makes that longer. */
export class Calm {
  readonly #stallMs: number
  #quickSinceMs: number | null = null
  #waitMs = firstWaitMs
  #returnedAtMs = 0

  constructor(stallMs: number) {
    this.#stallMs = stallMs
  }

  stalled(nowMs: number): void {
    this.slow()
    if (nowMs - this.#returnedAtMs > lastWaitMs) this.#waitMs = firstWaitMs
  }

  slow(): void {
    this.#quickSinceMs = null
  }

  /** A write that took from one moment to the other. */
  wrote(startMs: number, endMs: number): void {
    if (endMs - startMs > this.#stallMs) this.slow()
    else this.#quickSinceMs ??= endMs
  }

  /** Asked to know, and to act on it: after a yes the next stall counts as a new one. */
  returned(nowMs: number): boolean {
    if (this.#quickSinceMs === null || nowMs - this.#quickSinceMs < this.#waitMs) return false
    this.#returnedAtMs = nowMs
    this.#waitMs = Math.min(this.#waitMs * 2, lastWaitMs)
    return true
  }
}
