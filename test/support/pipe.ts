import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadProviders } from '../../providers/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { clientAddresses } from '../../src/proxy/context.ts'
import { createForwarder } from '../../src/proxy/forward.ts'
import { createRouter } from '../../src/proxy/route.ts'
import { Secrets } from '../../src/proxy/secrets.ts'
import { createFrontDoor } from '../../src/proxy/server.ts'
import { openUpstreams } from '../../src/proxy/upstreams.ts'
import { type JournalEntry, MemoryJournal } from './memory-journal.ts'
import { type SettingsOverrides, testSettings } from './settings.ts'
import { eventually } from './within.ts'

/** The data plane alone: front door, forwarder and tap on a real socket, over a journal that only remembers. */
export async function pipe(overrides: SettingsOverrides = {}): Promise<Pipe> {
  const settings = testSettings({ dataDir: '/nowhere', ...overrides })
  const upstreams = openUpstreams(settings, await loadProviders())
  const journal = new MemoryJournal()
  const state = { draining: false }
  const draining = () => state.draining
  const forwarder = createForwarder({
    journal,
    clock: systemClock,
    settings,
    secrets: new Secrets(settings.pepper!),
    addressOf: clientAddresses(settings.trustedProxies),
    draining,
  })
  const server: Server = createFrontDoor({
    route: createRouter({
      upstreams,
      defaultUpstream: settings.defaultProvider,
      ownPaths: ['/health', '/usage', '/api/v1'],
      address: () => 'http://127.0.0.1:8484',
    }),
    forwarder,
    self: (_request, response: ServerResponse) => response.end('ours'),
    refusing: () => false,
    draining,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    journal,
    state,
    entry: (index) =>
      eventually(`the close of exchange ${index}`, () =>
        journal.entries[index]?.close ? journal.entries[index] : null,
      ),
    active: () => forwarder.active.size,
    connections: () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await upstreams.close()
    },
  }
}

export interface Pipe extends AsyncDisposable {
  readonly port: number
  readonly journal: MemoryJournal
  readonly state: { draining: boolean }
  /** The exchange with this number, once it is closed. */
  entry(index: number): Promise<JournalEntry>
  active(): number
  /** Clients that are connected. */
  connections(): Promise<number>
}
