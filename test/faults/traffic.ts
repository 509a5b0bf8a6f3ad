import type { CallKind } from './client-call.ts'
import { mixedClients } from './kill-clients.ts'
import { type KillUpstream, killUpstream } from './kill-upstream.ts'
import { Ledger } from './ledger.ts'

/** An upstream and clients for any number of proxies, and a ledger of what both saw. */
export interface Traffic extends AsyncDisposable {
  readonly ledger: Ledger
  readonly upstream: KillUpstream
  /** Names the next call. */
  nextCall(): string
  /** So many clients at once, until `until` is done; resolves when all have ended. */
  load(port: number, clients: number, until: () => Promise<unknown>, kinds?: readonly CallKind[]): Promise<void>
}

/** `keepAliveMs`: how long the upstream leaves a connection open that nobody uses. */
export async function traffic(keepAliveMs?: number): Promise<Traffic> {
  const ledger = new Ledger()
  let calls = 0
  const upstream = await killUpstream((call) => {
    if (call.startsWith('call-')) ledger.arrived(call) // others are none of ours
  }, keepAliveMs)
  const nextCall = () => `call-${++calls}`
  return {
    ledger,
    upstream,
    nextCall,
    async load(port, count, until, kinds) {
      const clients = mixedClients(port, count, ledger, 7, nextCall, kinds)
      await until()
      clients.excuse()
      await clients.ended
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  }
}
