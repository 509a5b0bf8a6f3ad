import type { Clock } from '../lib/clock.ts'

/** An answer that is made once for all who ask within `keptMs` of its making. A failure is told and not kept. */
export function cached<T>(keptMs: number, clock: Pick<Clock, 'mono'>, make: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | null = null
  let untilMs = 0
  return () => {
    if (kept !== null && clock.mono() < untilMs) return kept
    untilMs = clock.mono() + keptMs
    const making = make()
    kept = making
    making.catch(() => {
      if (kept === making) kept = null
    })
    return making
  }
}
