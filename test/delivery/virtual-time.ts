import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/lib/clock.ts'

/** Time that passes only when everybody waits: each sleeper is woken at its moment, one after the other. */
export class VirtualTime implements Clock {
  #nowMs = 1_000_000
  #sleepers: { atMs: number; wake: () => void }[] = []

  wall = (): number => this.#nowMs
  mono = (): number => this.#nowMs

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve()
        return
      }
      const sleeper = { atMs: this.#nowMs + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter((one) => one !== sleeper)
          resolve()
        },
        { once: true },
      )
    })

  /** Lets time pass until the work is done, or so much has passed. */
  async until(work: Promise<unknown>, limitMs = 86_400_000): Promise<void> {
    let done = false
    const ended = work.then(
      () => {
        done = true
      },
      () => {
        done = true
      },
    )
    const lastMs = this.#nowMs + limitMs
    for (;;) {
      await turn()
      if (done) break
      const next = this.#sleepers.toSorted((one, other) => one.atMs - other.atMs)[0]
      if (next === undefined) throw new Error('everybody waits for something that is not time')
      if (next.atMs > lastMs) throw new Error(`not done within ${limitMs} ms`)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#sleepers = this.#sleepers.filter((one) => one !== next)
      next.wake()
    }
    await ended
    await work
  }

  /** Lets so much time pass. */
  pass = (ms: number): Promise<void> => this.until(this.sleep(ms))
}
