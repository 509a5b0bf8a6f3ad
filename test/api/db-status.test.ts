import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { dbStatus } from '../../src/api/schemas/db-status.ts'
import { connectionEvent } from '../../src/records/connection-log.ts'
import type { Store } from '../../src/stores/store.ts'
import { aRecord } from '../support/records.ts'
import { apiOver, healthy, notAsked, storeOf } from './api-server.ts'

const records = [aRecord(), aRecord()]
const event = connectionEvent(Date.UTC(2026, 10, 20), 'database_lost', 'gone', { code: 'MongoNetworkError' })
const store = (): Store => ({
  ...storeOf(records),
  status: async () => ({
    ...(await storeOf(records).status()),
    counts: { telemetry: 2, llm_runs: 2, connection_logs: 7 },
  }),
  connectionEvents: async (limit) => (limit === 5 ? [event] : []),
})
const deleted = {
  byAge: { bodies: 1, words: 2, records: 3, rollups: 4, connection_logs: 5, metrics: 6 },
  bySize: { bodies: 7, records: 8 },
}
const own = { ...notAsked, deleted: async () => deleted }
const known = {
  database: 'sqlite',
  collections: { telemetry: 2, llm_runs: 2, connection_logs: 7 },
  deleted: { by_age: deleted.byAge, by_size: deleted.bySize },
  latest_connection_events: [
    {
      timestamp: '2026-11-20T00:00:00.000Z',
      event_type: 'database_lost',
      status: 'error',
      message: 'gone',
      metadata: { code: 'MongoNetworkError' },
    },
  ],
}
const away = async () => ({
  ...healthy,
  services: { ...healthy.services, mongodb: { state: 'down', message: 'takes nothing' } as const },
})

it('tells what is connected, how much is in it, and the latest events (D12)', async () => {
  const { status, body } = await (await apiOver(records, { own, store: store() })).ask('/db-status')
  expect([status, body]).toEqual([200, { status: 'connected', ...known }])
  expect(dbStatus.parse(body)).toEqual(body)
})

it('tells of the fallback and its files while the database is away (D12)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-csv-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const name of ['telemetry_2026-11-21.csv', 'telemetry_2026-11-20.csv', 'notes.txt'])
    writeFileSync(join(directory, name), '')
  const { status, body } = await (
    await apiOver(records, { own, store: store(), status: away, fallbackDirectory: directory })
  ).ask('/db-status')
  expect([status, body]).toEqual([
    200,
    {
      status: 'fallback',
      fallback_mode: 'csv',
      fallback_directory: directory,
      csv_files: ['telemetry_2026-11-20.csv', 'telemetry_2026-11-21.csv'],
      ...known,
    },
  ])
  expect(dbStatus.parse(body)).toEqual(body)
})

it('takes a directory that is not made yet for an empty one', async () => {
  const fallbackDirectory = join(tmpdir(), 'sightglass-never-made')
  const { body } = await (await apiOver(records, { own, store: store(), status: away, fallbackDirectory })).ask(
    '/db-status',
  )
  expect(body).toMatchObject({ status: 'fallback', csv_files: [] })
})

it('answers 200 with the error when it cannot tell, without its text (D12)', async () => {
  const broken = { ...store(), status: () => Promise.reject(new Error('secret host')) }
  const api = await apiOver(records, { own, store: broken })
  const { status, body } = await api.ask('/db-status')
  expect([status, body.status]).toEqual([200, 'error'])
  expect(JSON.stringify(body)).not.toContain('secret host')
  expect(api.failures).toHaveLength(1)
})
