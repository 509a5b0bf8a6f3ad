type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

/** Waits until the counter was counted up since it last did, or for so long, or until the signal aborts. One for each who waits. */
export function grownWatch(counter: Int32Array, sleep: Sleep): Sleep {
  let seen = Atomics.load(counter, 0)
  return async (ms, signal) => {
    const over = new AbortController()
    const asleep = sleep(ms, AbortSignal.any([signal, over.signal]))
    await Promise.race([Atomics.waitAsync(counter, 0, seen, ms).value, asleep])
    over.abort()
    seen = Atomics.load(counter, 0)
  }
}

/** Wakes all who wait, in whatever thread. */
export function countUp(counter: Int32Array): void {
  Atomics.add(counter, 0, 1)
  Atomics.notify(counter, 0)
}
