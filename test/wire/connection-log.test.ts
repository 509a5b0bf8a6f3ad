import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startProxy, type TestProxy } from '../support/proxy.ts'

const statusOf = async (proxy: TestProxy) => {
  const answer = await fetch(`${proxy.url}/db-status`, { headers: { authorization: `Bearer ${proxy.adminToken}` } })
  return (await answer.json()) as {
    status: string
    database: string
    collections: { connection_logs: number }
    latest_connection_events: { event_type: string; metadata: object }[]
  }
}

it('keeps when it was started and stopped, and as what (D4, C23)', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-events-'))
  onTestFinished(() => rm(dataDir, { recursive: true }))
  const first = await startProxy({ dataDir })
  await first.settled()
  await first.stop()
  await using second = await startProxy({ dataDir })
  await second.settled()
  const { status, database, collections, latest_connection_events: events } = await statusOf(second)
  expect([status, database, collections.connection_logs]).toEqual(['connected', 'sqlite', 5])
  expect(events.map(({ event_type }) => event_type)).toEqual([
    'database_connected',
    'application_startup',
    'application_shutdown',
    'database_connected',
    'application_startup',
  ])
  expect(events[1]?.metadata).toMatchObject({
    environment: 'standalone',
    host: '127.0.0.1',
    port: second.port,
    debug: false,
  })
})
