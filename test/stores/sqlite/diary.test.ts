import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectionEvent } from '../../../src/records/connection-log.ts'
import { openForReading } from '../../../src/stores/sqlite/database.ts'
import { type Diary, openDiary } from '../../../src/stores/sqlite/diary.ts'
import { openStore } from '../../../src/stores/sqlite/query.ts'
import { aMoment, aRecord } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'

let database: ReturnType<typeof aDatabase>
let diary: Diary
beforeEach(() => {
  database = aDatabase()
  diary = openDiary(database.path)
})
afterEach(() => {
  diary.close()
  database.remove()
})

it('keeps events in order, each once, and shows the newest first', async () => {
  const events = [1, 2, 3].map((at) => connectionEvent(at, 'database_lost', `number ${at}`, { code: null, at }))
  for (const event of [...events, events[0]!]) diary.addEvent(event)
  const store = openStore(database.path)
  expect(await store.connectionEvents(2)).toEqual([events[2], events[1]])
  expect((await store.status()).counts).toMatchObject({ connection_logs: 3, metrics: 0 })
  await store.close()
})

it('keeps one document of sums for each hour, each with the calls of that hour', () => {
  const hour = 3_600_000
  const first = Math.ceil(aMoment / hour) * hour
  const add = (atMs: number) => database.local.commit({ ...emptyBatch, records: [aRecord({ atMs })] })
  add(aMoment)
  diary.addHour(first, 'me')
  add(first + 1)
  add(first + 2)
  diary.addHour(first + hour, 'me')
  diary.addHour(first + hour, 'me')
  const open = openForReading(database.path)
  const rows = open.prepare('SELECT id, timestamp_ms, metric_type, metrics FROM metrics ORDER BY place').all()
  open.close()
  expect(rows.map(({ metrics, ...row }) => ({ ...row, ...JSON.parse(String(metrics)) }))).toMatchObject([
    {
      id: 'me|2026-11-20T11:00:00.000Z',
      timestamp_ms: first,
      metric_type: 'hourly',
      requests_total: 1,
      requests_last_hour: 1,
    },
    {
      id: 'me|2026-11-20T12:00:00.000Z',
      requests_total: 3,
      requests_last_hour: 2,
      token_usage_total: 51,
      error_rate: 0,
    },
  ])
  expect(rows).toHaveLength(2)
})
