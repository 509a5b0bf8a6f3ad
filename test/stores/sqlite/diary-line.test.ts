import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Line } from '../../../src/delivery/outbox.ts'
import { connectionEvent } from '../../../src/records/connection-log.ts'
import type { DiaryCollection, DiaryEntry } from '../../../src/records/diary-entry.ts'
import { type Diary, openDiary } from '../../../src/stores/sqlite/diary.ts'
import { aMoment, aRecord } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'

const limits = { records: 100, bytes: 1_000_000 }
const sink = 'far'

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

const lineOf = (collection: DiaryCollection = 'connection_logs', target = 'there'): Line<DiaryEntry> =>
  diary.line({ collection, sink, target, instance: 'me', clock: { wall: () => aMoment } })
const happens = (...messages: string[]) => {
  const events = messages.map((message) => connectionEvent(aMoment, 'database_lost', message, { code: null }))
  for (const event of events) diary.addEvent(event)
  return events
}
const messagesIn = (line: Line<DiaryEntry>) => line.next(sink, limits).map(({ record }) => record.fields.message)
const reopen = () => {
  diary.close()
  diary = openDiary(database.path)
}
const change = (sql: string) => {
  const open = new DatabaseSync(database.path)
  open.exec(sql)
  open.close()
}

it('hands over events in order, with whose they are, and goes on behind what was settled, also after a restart', () => {
  const [first] = happens('a', 'b', 'c')
  const line = lineOf()
  const [one, two] = line.next(sink, limits)
  expect(one).toMatchObject({
    id: first?._id,
    record: {
      _id: first?._id,
      timestamp_ms: aMoment,
      fields: { event_type: 'database_lost', status: 'error', message: 'a', metadata: { code: null, instance: 'me' } },
    },
  })
  line.settle(sink, two!.place, [])
  expect(line.counters(sink)).toEqual({ accepted: 3, stored: 2, pending: 1, quarantined: 0, dropped: 0 })
  reopen()
  happens('d')
  expect(messagesIn(lineOf())).toEqual(['c', 'd'])
  expect(lineOf().next(sink, { ...limits, records: 1 })).toHaveLength(1)
})

it('hands over the sums of hours in a line of their own', () => {
  database.local.commit({ ...emptyBatch, records: [aRecord()] })
  happens('a')
  diary.addHour(aMoment, 'me')
  const [events, hours] = [lineOf(), lineOf('metrics')]
  const [hour] = hours.next(sink, limits)
  expect(hour?.record).toMatchObject({
    _id: expect.stringMatching(/^me\|20/),
    timestamp_ms: aMoment,
    fields: { metric_type: 'hourly', metrics: { requests_total: 1, llm_runs_total: 1 } },
  })
  hours.settle(sink, hour!.place, [])
  expect([hours.next(sink, limits), events.next(sink, limits)]).toEqual([[], [expect.anything()]])
})

it('begins again with the oldest entry when it is to deliver to another place', () => {
  happens('a', 'b')
  const line = lineOf()
  const [one, two] = line.next(sink, limits)
  line.settle(sink, two!.place, [{ place: one!.place, id: one!.id, code: '121', message: 'no' }])
  const elsewhere = lineOf('connection_logs', 'elsewhere')
  expect(messagesIn(elsewhere)).toEqual(['a', 'b'])
  expect(elsewhere.counters(sink)).toEqual({ accepted: 2, stored: 0, pending: 2, quarantined: 0, dropped: 0 })
  expect(messagesIn(lineOf('connection_logs', 'elsewhere'))).toEqual(['a', 'b'])
})

it('puts aside what was refused, with the reason, and what cannot be read', () => {
  happens('a', 'b', 'c', 'd')
  change(`UPDATE connection_logs SET metadata = '{' WHERE message = 'c'`)
  const line = lineOf()
  const [one, two, ...rest] = line.next(sink, limits)
  expect(rest).toEqual([])
  line.settle(sink, two!.place, [{ place: one!.place, id: one!.id, code: '121', message: 'failed validation' }])
  expect(messagesIn(line)).toEqual(['d'])
  expect(line.counters(sink)).toEqual({ accepted: 4, stored: 1, pending: 1, quarantined: 2, dropped: 0 })
  const open = new DatabaseSync(database.path)
  expect(open.prepare('SELECT collection, id, code FROM diary_quarantine ORDER BY place').all()).toEqual([
    { collection: 'connection_logs', id: one!.id, code: '121' },
    { collection: 'connection_logs', id: expect.any(String), code: 'unreadable' },
  ])
  open.close()
})

it('never goes back', () => {
  happens('a', 'b')
  const line = lineOf()
  const [one, two] = line.next(sink, limits)
  line.settle(sink, two!.place, [])
  line.settle(sink, one!.place, [])
  expect(line.counters(sink)).toMatchObject({ stored: 2, pending: 0 })
})
