import { once } from 'node:events'
import type { AddressInfo, ListenOptions } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type DiskUse, limitOf } from '../journal/disk-budget.ts'
import { limitedJournal } from '../journal/limited.ts'
import { openJournal } from '../journal/writer.ts'
import type { Clock } from '../lib/clock.ts'
import { given } from '../lib/given.ts'
import type { Log } from '../lib/log.ts'
import { clientAddresses } from '../proxy/context.ts'
import { createForwarder } from '../proxy/forward.ts'
import { createRouter } from '../proxy/route.ts'
import { Secrets } from '../proxy/secrets.ts'
import { createFrontDoor } from '../proxy/server.ts'
import { openUpstreams } from '../proxy/upstreams.ts'
import type { Provider } from '../records/provider.ts'
import { authority } from '../settings/authority.ts'
import type { Settings } from '../settings/settings.ts'
import type { DataPlane, PlaneStatus } from './data-plane.ts'

export interface LocalPlaneParts {
  settings: Settings
  providers: ReadonlyMap<string, Provider>
  pepper: string
  /** Paths that are answered by ourselves. */
  ownPaths: readonly string[]
  use: DiskUse
  /** The journal's epoch where somebody else chose it. */
  epoch?: string
  /** So many of these write at a time. */
  planes: number
  /** The port that several processes listen on; null: that of the settings, for this one alone. */
  sharedPort: number | null
  /** Called after each write to the journal. */
  wake: () => void
  clock: Clock
  log: Log
}

/**
 * Where the kernel can, each process has a queue of connections of its own. Through node:cluster the first process would hand
 * them out, and one that is under way to a worker which dies would stay open for ever, its client without an answer.
 */
const shared = (port: number, host: string): ListenOptions =>
  sharesPorts.has(process.platform) ? { port, host, exclusive: true, reusePort: true } : { port, host }
const sharesPorts: ReadonlySet<string> = new Set(['linux', 'freebsd'])

/** Serves calls in this process. Throws when nothing can be written to the data directory. */
export function openLocalPlane(parts: LocalPlaneParts): DataPlane {
  const { settings, providers, pepper, use, clock, log } = parts
  const upstreams = openUpstreams(settings, providers)
  const writer = openJournal({
    dir: join(settings.dataDir, 'journal'),
    ...given({ epoch: parts.epoch }),
    clock,
    // the segment being written is never deleted: it must not hold much of the budget
    segmentBytes: Math.min(
      settings.segmentBytes,
      Math.floor(limitOf(use, settings.journalLimitBytes) / 16 / parts.planes),
    ),
    durability: settings.durability,
    wake: parts.wake,
    problem: (event, error) => log.warn(event, { error }),
  })
  const journal = limitedJournal(writer, settings.journalLimitBytes, clock)
  journal.looked(use)
  const refusing = (): boolean => settings.journalFull === 'refuse' && journal.state === 'full'
  let isDraining = false
  const draining = (): boolean => isDraining
  const forwarder = createForwarder({
    journal,
    clock,
    settings,
    secrets: new Secrets(pepper),
    addressOf: clientAddresses(settings.trustedProxies),
    draining,
  })
  let server: ReturnType<typeof createFrontDoor> | null = null
  const cut = (): void => {
    for (const call of forwarder.active) call.cut()
  }

  return {
    epochs: [journal.epoch],
    looked: (use) => journal.looked(use),
    refusing,
    async status(): Promise<PlaneStatus> {
      return {
        counters: { ...journal.counters },
        state: journal.state,
        active: forwarder.active.size,
        workers: null,
      }
    },
    async listen(self) {
      const door = createFrontDoor({
        route: createRouter({
          upstreams,
          defaultUpstream: settings.defaultProvider,
          ownPaths: parts.ownPaths,
          address: () =>
            `http://${authority(settings.host, (door.address() as AddressInfo | null)?.port ?? settings.port)}`,
        }),
        forwarder,
        self,
        draining,
        refusing,
      })
      server = door
      const { sharedPort } = parts
      door.listen(
        sharedPort === null ? { port: settings.port, host: settings.host } : shared(sharedPort, settings.host),
      )
      await once(door, 'listening')
      return door.address() as AddressInfo
    },
    idle: () => forwarder.idle(),
    async drain(delayMs, hurry) {
      isDraining = true
      if (server === null) return
      const door = server
      await Promise.race([delay(delayMs, null, { ref: false }), hurry])
      const closed = once(door, 'close')
      door.close()
      const sweep = setInterval(() => door.closeIdleConnections(), 100)
      door.closeIdleConnections()
      const late = await Promise.race([forwarder.idle(), delay(settings.drainLimitMs, 'late', { ref: false })])
      if (late) {
        log.warn('calls were cut at the drain limit', { calls: forwarder.active.size })
        cut()
        await forwarder.idle()
      }
      door.closeIdleConnections()
      await Promise.race([closed, delay(1000, null, { ref: false }), hurry])
      clearInterval(sweep)
    },
    cut,
    async end() {
      server?.closeAllConnections()
      await upstreams.close()
      await journal.end()
    },
  }
}
