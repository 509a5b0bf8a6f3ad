import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { LocalBatch } from '../../src/pipeline/local-store.ts'
import { temporaryDir } from '../journal/support.ts'
import { MemoryLocalStore } from '../support/memory-local-store.ts'
import { call, drain, journalIn, recorderOn, recordOf, textOf } from './support.ts'

const full = () => Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })

it('waits while the database is away and then stores everything once, as it would have', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const ids = [await call(journal, 'q', 'a'), await call(journal, 'q', 'a')]
  let failures = 5
  store.before = ({ records }) => {
    if (records.length > 0 && failures-- > 0) throw full()
  }
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch] })
  await drain(recorder)
  expect([...store.records.keys()]).toEqual(ids)
  expect(recorder.status()).toMatchObject({ accepted: 2, stored: 2, storedRaw: 0, failed: 0, pending: 0 })
  await journal.end()
})

it('loses nothing when it is stopped while the database is away', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const id = await call(journal, 'q', 'a')
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch] })
  store.before = () => {
    recorder.stop()
    throw full()
  }
  await recorder.run()
  expect(store.records.size).toBe(0)
  store.before = () => {}
  await drain(recorderOn(dir, store, { liveEpochs: [journal.epoch] }))
  expect([...store.records.keys()]).toEqual([id])
  await journal.end()
})

it('makes a record plainer that the database always refuses, and stores those beside it as they are', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const ids: string[] = []
  for (let count = 0; count < 9; count++) ids.push(await call(journal, count === 4 ? 'bad' : 'good', 'a'))
  store.before = refusing((notes) => notes.includes('bad'))
  const recorder = recorderOn(dir, store, {
    liveEpochs: [journal.epoch],
    toRecord: async (exchange) => recordOf(exchange, [textOf(exchange, 'request')]),
  })
  await drain(recorder)
  expect([...store.records.keys()].sort()).toEqual(ids)
  expect(store.records.get(ids[4]!)!.telemetry.metadata.notes).toEqual(['raw: refused'])
  expect(store.records.get(ids[5]!)!.telemetry.metadata.notes).toEqual(['good'])
  expect(recorder.status()).toMatchObject({ accepted: 9, stored: 9, storedRaw: 1, failed: 0, pending: 0 })
  await journal.end()
})

it('puts the frames of a call aside whose plain record is refused too, and counts it', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const bad = await call(journal, 'what was asked', 'what was said')
  const good = await call(journal, 'q', 'a')
  store.before = ({ records }) => {
    if (records.some(({ telemetry }) => telemetry._id === bad)) throw new Error('refused')
  }
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch] })
  await drain(recorder)
  expect([...store.records.keys()]).toEqual([good])
  expect(recorder.status()).toMatchObject({ accepted: 2, stored: 1, failed: 1, pending: 0 })
  const [file] = readdirSync(join(dir, 'quarantine'))
  const kept = readFileSync(join(dir, 'quarantine', file!), 'latin1')
  for (const part of [bad, 'what was asked', 'what was said']) expect(kept).toContain(part)
  await drain(recorderOn(dir, store, { liveEpochs: [journal.epoch] }))
  expect(store.records.size).toBe(1)
  await journal.end()
})

it('keeps a call raw whose decoding does not end in time', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const id = await call(journal, 'q', 'a')
  const recorder = recorderOn(dir, store, {
    liveEpochs: [journal.epoch],
    toRecord: () => new Promise(() => {}),
    recordDeadlineMs: 5,
  })
  await drain(recorder)
  expect(store.records.get(id)!.telemetry.metadata.notes).toEqual(['raw: decoding took more than 5 ms'])
  await journal.end()
})

it('works on a bounded number of calls at a time and commits in bounded batches', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  for (let count = 0; count < 60; count++) call(journal, 'q', 'a')
  await call(journal, 'q', 'a')
  let working = 0
  let most = 0
  const recorder = recorderOn(dir, store, {
    liveEpochs: [journal.epoch],
    concurrency: 4,
    batchRecords: 10,
    toRecord: async (exchange) => {
      most = Math.max(most, ++working)
      await new Promise((resolve) => setImmediate(resolve))
      working--
      return recordOf(exchange)
    },
  })
  await drain(recorder)
  expect(store.records.size).toBe(61)
  expect(most).toBe(4)
  expect(store.largestBatch).toBeLessThanOrEqual(10 + 4)
  await journal.end()
})

const refusing = (bad: (notes: readonly string[]) => boolean) => (batch: LocalBatch) => {
  if (batch.records.some(({ telemetry }) => bad(telemetry.metadata.notes))) throw new Error('refused')
}
