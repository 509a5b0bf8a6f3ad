import { Agent } from 'node:http'
import { type CallKind, clientCall } from './client-call.ts'
import type { ClientEnd, Ledger } from './ledger.ts'
import { seeded } from './seeded.ts'

const mixed: readonly CallKind[] = ['json', 'json', 'stream', 'stream', 'upload', 'leave']

export interface Clients {
  /** From here on nobody is to blame for a cut. */
  excuse(): void
  /** How many calls have ended, however they did. */
  calls(): number
  /** Resolves when every client has seen its last call end. */
  ended: Promise<void>
}

/** So many clients at the same time, each one call after the other on its own connection, until a call is cut. */
export function mixedClients(
  port: number,
  count: number,
  ledger: Ledger,
  seed: number,
  nextCall: () => string,
  kinds = mixed,
): Clients {
  let excused = false
  let calls = 0
  const client = async (place: number) => {
    const random = seeded(seed + place)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const parts = { port, agent, random, ledger, excused: () => excused }
    for (let end: ClientEnd | null = null; end !== 'cut' && !excused; ) {
      end = await clientCall(nextCall(), random.pick(kinds), parts)
      calls++
    }
    agent.destroy()
  }
  const all = Promise.all(Array.from({ length: count }, (_, place) => client(place)))
  return {
    calls: () => calls,
    excuse: () => {
      excused = true
    },
    ended: all.then(() => {}),
  }
}
