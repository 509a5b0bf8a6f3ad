import type { Io } from './command.ts'

const everyMs = 1_000

/** Tells people how far a long command has come, at most once a second. */
export function everySecond(io: Io): (text: () => string) => void {
  let toldMs = performance.now()
  return (text) => {
    const nowMs = performance.now()
    if (nowMs - toldMs < everyMs) return
    toldMs = nowMs
    io.note(`${text()}\n`)
  }
}
