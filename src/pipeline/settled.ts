import { setTimeout as delay } from 'node:timers/promises'
import type { RecorderHandle } from './recorder-thread.ts'

/** Resolves once no call runs (`idle`) and everything accepted is stored; throws after the deadline. */
export async function settled(
  deadlineMs: number,
  idle: Promise<void>,
  recorder: RecorderHandle,
  accepted: () => Promise<number>,
): Promise<void> {
  const until = performance.now() + deadlineMs
  const failure = (): Error => new Error(`not everything was stored within ${deadlineMs} ms`)
  const late = await Promise.race([idle, delay(deadlineMs, 'late', { ref: false })])
  if (late) throw failure()
  for (;;) {
    const { pending, lagBytes, acceptedLive } = await recorder.status()
    if (pending === 0 && lagBytes === 0 && acceptedLive >= (await accepted())) return
    if (performance.now() > until) throw failure()
    await delay(5)
  }
}
