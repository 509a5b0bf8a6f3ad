import type { Clock } from '../lib/clock.ts'

export interface ShortRestsOptions {
  clock: Pick<Clock, 'mono'>
  /** Changes whenever those have work whom a rest is for. */
  traffic: () => number
  /** At most so long between two rests, as far as `pause` is called often enough. */
  workMs?: number
  restMs?: number
  sleep?: (ms: number) => void
}

/**
 * Short sleeps in long work. The scheduler lets a thread of the usual kind, however nice, keep a core to the end of its slice:
 * milliseconds that a call waits for. Who sleeps has no slice left. Where nobody has had work for a while there are no rests.
 */
export class ShortRests {
  readonly #clock: Pick<Clock, 'mono'>
  readonly #traffic: () => number
  readonly #workMs: number
  readonly #restMs: number
  readonly #sleep: (ms: number) => void
  #restedAtMs = 0
  #seenTraffic = -1
  #trafficAtMs = 0
  #begun = false

  constructor({ clock, traffic, workMs = 0.25, restMs = 0.05, sleep = sleepHere }: ShortRestsOptions) {
    this.#clock = clock
    this.#traffic = traffic
    this.#workMs = workMs
    this.#restMs = restMs
    this.#sleep = sleep
  }

  /** Until then `pause` does nothing. */
  begin() {
    this.#begun = true
  }

  /** Called between two pieces of work. Sleeps when the last sleep was long enough ago. */
  pause() {
    if (!this.#begun) return
    const nowMs = this.#clock.mono()
    if (nowMs - this.#restedAtMs < this.#workMs) return
    const traffic = this.#traffic()
    if (traffic !== this.#seenTraffic) {
      this.#seenTraffic = traffic
      this.#trafficAtMs = nowMs
    }
    if (nowMs - this.#trafficAtMs > quietMs) return
    this.#sleep(this.#restMs)
    this.#restedAtMs = this.#clock.mono()
  }
}

/** Stops this whole thread: nothing of it may wait for something shorter. */
function sleepHere(ms: number) {
  Atomics.wait(neverTold, 0, 0, ms)
}

const quietMs = 20
const neverTold = new Int32Array(new SharedArrayBuffer(4))
