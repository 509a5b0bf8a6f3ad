/** What the recorder's thread is to do from now on; null: as it does. */
export type Change = 'urge' | 'give way' | null

/**
 * Whether the recorder gives way to the thread that serves. It does while it keeps up, or nearly: on a full core calls come
 * first, and the journal holds what it has not come to. Far behind it takes its share, for the journal has a limit.
 */
export class GivingWay {
  isGivingWay: boolean
  readonly #urgentBytes: number
  readonly #mayGiveWay: boolean
  #calmSinceMs: number | null = null

  /** `journalLimitBytes`: what all may take of the disk. */
  constructor(journalLimitBytes: number) {
    this.#urgentBytes = Math.min(mostBytes, journalLimitBytes / 16)
    this.#mayGiveWay = journalLimitBytes >= leastLimitBytes
    this.isGivingWay = this.#mayGiveWay
  }

  /** `lagBytes`: what stands in the journal and was not read. */
  looked(lagBytes: number, nowMs: number): Change {
    if (this.isGivingWay) {
      if (lagBytes < this.#urgentBytes) return null
      this.isGivingWay = false
      this.#calmSinceMs = null
      return 'urge'
    }
    if (!this.#mayGiveWay) return null
    if (lagBytes > this.#urgentBytes / 16) this.#calmSinceMs = null
    else this.#calmSinceMs ??= nowMs
    if (this.#calmSinceMs === null || nowMs - this.#calmSinceMs < calmMs) return null
    this.isGivingWay = true
    return 'give way'
  }
}

const mostBytes = 512 * 1024 * 1024
/** Where the journal may take less it is not to wait in it. */
const leastLimitBytes = 256 * 1024 * 1024
const calmMs = 30_000
