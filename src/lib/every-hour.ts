import type { Clock } from './clock.ts'

const hourMs = 3_600_000

/** Calls at each full hour, UTC, with its time, until the returned function is called. Hours slept through are left out. */
export function everyHour(clock: Pick<Clock, 'wall'>, work: (hourMs: number) => void): () => void {
  let next = nextHour(clock.wall())
  let timer = schedule()
  return () => clearTimeout(timer)

  function schedule(): NodeJS.Timeout {
    const timeout = setTimeout(due, Math.max(1, next - clock.wall()))
    timeout.unref()
    return timeout
  }

  function due(): void {
    const now = clock.wall()
    if (now >= next) {
      work(nextHour(now) - hourMs)
      next = nextHour(now)
    }
    timer = schedule()
  }
}

const nextHour = (ms: number): number => (Math.floor(ms / hourMs) + 1) * hourMs
