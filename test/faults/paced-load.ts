import { Agent } from 'node:http'
import { type CallKind, clientCall } from './client-call.ts'
import type { ClientEnd, Ledger } from './ledger.ts'
import { seeded } from './seeded.ts'

export interface PacedOptions {
  /** Asked for each call: where it goes. */
  port(): number
  perSecond: number
  kinds: readonly CallKind[]
  ledger: Ledger
  nextCall(): string
  seed: number
  /** Whether a call that began then and ends now may be cut without anybody being to blame. */
  excused(sinceMs: number): boolean
  /** Told of each end. */
  ended?(call: { kind: CallKind; end: ClientEnd; tookMs: number; port: number }): void
}

export interface PacedLoad {
  /** No new calls; resolves when all have ended. */
  stop(): Promise<void>
}

/** Clients that come at their own pace, whether or not those before them are served. */
export function pacedLoad({ port, perSecond, kinds, ledger, nextCall, seed, excused, ended }: PacedOptions): PacedLoad {
  const random = seeded(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 })
  const running = new Set<Promise<void>>()
  const one = async () => {
    const [kind, to, sinceMs] = [random.pick(kinds), port(), performance.now()]
    const parts = { port: to, agent, random, ledger, excused: () => excused(sinceMs) }
    const end = await clientCall(nextCall(), kind, parts)
    ended?.({ kind, end, tookMs: performance.now() - sinceMs, port: to })
  }
  const startMs = performance.now()
  let begun = 0
  const timer = setInterval(() => {
    for (const due = ((performance.now() - startMs) / 1000) * perSecond; begun < due; begun++) {
      const call = one()
      running.add(call)
      void call.finally(() => running.delete(call))
    }
  }, 10)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(running)
      agent.destroy()
    },
  }
}
