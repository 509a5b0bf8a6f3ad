import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  journalVersion,
  listSegments,
  readSegmentHeader,
  segmentHeader,
  segmentHeaderBytes,
  segmentPath,
} from '../../src/journal/segments.ts'
import { newId } from '../../src/lib/id.ts'
import { closeOf, headOf, openOf, temporaryDir } from '../journal/support.ts'
import { MemoryLocalStore } from '../support/memory-local-store.ts'
import { call, collecting, drain, journalIn, recorderOn, recordOf, textOf, written } from './support.ts'

it('stores each finished call of a live epoch once, with its bytes, and leaves open ones pending', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const { exchanges, toRecord } = collecting()
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch], toRecord })
  const first = await call(journal, 'question 1', 'answer 1')
  journal.open(openOf(newId(Date.now())), () => {})
  const second = await call(journal, 'question 2', 'answer 2')
  await drain(recorder)
  expect([...store.records.keys()]).toEqual([first, second])
  expect(textOf(exchanges.get(second)!, 'request')).toBe('question 2')
  expect(textOf(exchanges.get(second)!, 'response')).toBe('answer 2')
  expect(exchanges.get(first)!.response).toMatchObject({ size: 8, whole: true })
  expect(recorder.status()).toMatchObject({
    accepted: 3,
    acceptedLive: 3,
    stored: 2,
    pending: 1,
    failed: 0,
    lagBytes: 0,
  })
  await drain(recorder)
  expect(store.repeated).toEqual([])
  await journal.end()
})

it('lets others work between two exchanges', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  for (const question of ['a', 'b', 'c']) await call(journal, question, 'yes')
  let pauses = 0
  await drain(recorderOn(dir, store, { liveEpochs: [journal.epoch], pause: () => pauses++ }))
  expect(pauses).toBe(3)
  expect(store.records.size).toBe(3)
  await journal.end()
})

it('stores what was open in a dead epoch as interrupted, with the bytes that came, and removes the epoch', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const id = newId(Date.now())
  const exchange = journal.open(openOf(id), () => {})
  journal.head(exchange, headOf())
  journal.data(exchange, 'response', 0, 2, Buffer.from('half an ans'))
  const done = await call(journal, 'q', 'a')
  await written()
  const { exchanges, toRecord } = collecting()
  const recorder = recorderOn(dir, store, { toRecord })
  await drain(recorder)
  expect([...store.records.keys()].sort()).toEqual([id, done].sort())
  const interrupted = exchanges.get(id)!
  expect(interrupted.close).toBeNull()
  expect(textOf(interrupted, 'response')).toBe('half an ans')
  expect(interrupted.response).toMatchObject({ size: 11, whole: true })
  expect(existsSync(join(dir, journal.epoch))).toBe(false)
  expect(store.finished).toEqual(new Set([journal.epoch]))
  expect(recorder.status()).toMatchObject({ accepted: 2, stored: 2, pending: 0 })
})

it('finishes an epoch that was ended in order, without waiting for the next start', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  await call(journal, 'q', 'a')
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch] })
  await drain(recorder)
  expect(existsSync(join(dir, journal.epoch))).toBe(true)
  await journal.end()
  await drain(recorder)
  expect(existsSync(join(dir, journal.epoch))).toBe(false)
  expect(recorder.status()).toMatchObject({ accepted: 1, acceptedLive: 1, stored: 1, pending: 0 })
})

it('reads dead epochs in the order they were begun, then the live one', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const ids: string[] = []
  let live = ''
  for (let epoch = 0; epoch < 4; epoch++) {
    const journal = journalIn(dir)
    ids.push(await call(journal, 'q', 'a'))
    live = journal.epoch
  }
  await drain(recorderOn(dir, store, { liveEpochs: [live] }))
  expect([...store.records.keys()]).toEqual(ids)
  expect(readdirSync(dir)).toEqual([live])
})

it('goes on with other epochs when writers come and go, and counts each call once', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const [one, two] = [journalIn(dir), journalIn(dir)]
  const recorder = recorderOn(dir, store, { liveEpochs: [one.epoch, two.epoch] })
  const ids = [await call(one, 'q', 'a'), await call(two, 'q', 'a')]
  const cut = newId(Date.now())
  one.open(openOf(cut), () => {})
  const running = newId(Date.now())
  const exchange = two.open(openOf(running), () => {})
  await written()
  await drain(recorder)
  expect(recorder.status()).toMatchObject({ accepted: 4, acceptedLive: 4, stored: 2, pending: 2 })

  const three = journalIn(dir)
  recorder.live([two.epoch, three.epoch]) // the first one's writer died
  ids.push(await call(three, 'q', 'a'))
  await drain(recorder)
  expect(recorder.status()).toMatchObject({ accepted: 5, acceptedLive: 5, stored: 4, pending: 1 })
  expect(readdirSync(dir).sort()).toEqual([two.epoch, three.epoch].sort())

  two.close(exchange, closeOf(), () => {})
  await two.end()
  await drain(recorder)
  recorder.live([three.epoch]) // it ended in order, and was read before that was told
  ids.push(await call(three, 'q', 'a'))
  await drain(recorder)
  expect(recorder.status()).toMatchObject({ accepted: 6, acceptedLive: 6, stored: 6, pending: 0, damaged: 0 })
  expect([...store.records.keys()].sort()).toEqual([...ids, cut, running].sort())
  expect(readdirSync(dir)).toEqual([three.epoch])
})

it('takes a change of writers while it still reads what an earlier run left', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const earlier = journalIn(dir)
  const [one, two] = [journalIn(dir), journalIn(dir)]
  const ids = await Promise.all([earlier, one, two].map((journal) => call(journal, 'q', 'a')))
  const recorder = recorderOn(dir, store, { liveEpochs: [one.epoch] })
  recorder.live([two.epoch])
  await drain(recorder)
  expect([...store.records.keys()].sort()).toEqual(ids.sort())
  expect(recorder.status()).toMatchObject({ accepted: 3, acceptedLive: 2, stored: 3 })
  expect(readdirSync(dir)).toEqual([two.epoch])
})

it('deletes a segment only when the position has passed it and a checkpoint was made', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir, 8192)
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch], carryAfterSegments: 1000, chunkBytes: 2000 })
  const exchange = journal.open(openOf(newId(Date.now())), () => {})
  for (let count = 0; count < 50; count++) await call(journal, 'question', 'answer')
  await drain(recorder)
  expect(listSegments(dir, journal.epoch)[0]).toBe(1) // the open call pins it
  expect(store.checkpoints).toBe(0)
  journal.close(exchange, closeOf(), () => {})
  await written()
  let checkpointsAtCommit = -1
  store.before = () => {
    checkpointsAtCommit = store.checkpoints
    expect(listSegments(dir, journal.epoch)[0]).toBe(1)
  }
  await drain(recorder)
  expect(checkpointsAtCommit).toBe(0)
  expect(store.checkpoints).toBe(1)
  expect(listSegments(dir, journal.epoch)[0]).toBe(store.positions.get(journal.epoch)!.segment)
  expect(store.records.size).toBe(51)
  await journal.end()
})

it('carries a call that stays open over many segments, so that it pins none, and stores it whole', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir, 8192)
  const { exchanges, toRecord } = collecting()
  const options = { liveEpochs: [journal.epoch], toRecord }
  let recorder = recorderOn(dir, store, options)
  const id = newId(Date.now())
  const exchange = journal.open(openOf(id), () => {})
  journal.head(exchange, headOf())
  let offset = 0
  for (let count = 0; count < 120; count++) {
    const piece = Buffer.from(`piece ${count}.`)
    journal.data(exchange, 'response', offset, count, piece)
    offset += piece.length
    await call(journal, 'question', 'answer')
    if (count % 7 === 0) await drain(recorder)
    if (count % 40 === 20) recorder = recorderOn(dir, store, options)
  }
  await drain(recorder)
  const segments = listSegments(dir, journal.epoch)
  expect(segments[0]).toBeGreaterThan(5)
  expect(segments.length).toBeLessThanOrEqual(5)
  expect(store.rows.length).toBeGreaterThan(0)
  journal.close(exchange, closeOf(0, offset), () => {})
  await written()
  await drain(recorder)
  const kept = exchanges.get(id)!
  expect(kept.response).toMatchObject({ size: offset, whole: true })
  expect(textOf(kept, 'response')).toBe(Array.from({ length: 120 }, (_, count) => `piece ${count}.`).join(''))
  expect(store.rows).toEqual([])
  expect(store.records.size).toBe(121)
  expect(store.repeated).toEqual([])
  await journal.end()
})

it('keeps a call raw that cannot be decoded twice, and the calls beside it as ever', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const bad = await call(journal, 'bad', 'a')
  const flaky = await call(journal, 'flaky', 'a')
  const good = await call(journal, 'good', 'a')
  const attempts = new Map<string, number>()
  const recorder = recorderOn(dir, store, {
    toRecord: async (exchange) => {
      const text = textOf(exchange, 'request')
      attempts.set(text, (attempts.get(text) ?? 0) + 1)
      if (text === 'bad' || (text === 'flaky' && attempts.get(text) === 1)) throw new Error(`cannot read ${text}`)
      return recordOf(exchange)
    },
  })
  await drain(recorder)
  expect(Object.fromEntries(attempts)).toEqual({ bad: 2, flaky: 2, good: 1 })
  const notes = (id: string) => store.records.get(id)!.telemetry.metadata.notes
  expect(notes(bad)).toEqual(['raw: cannot read bad'])
  expect([notes(flaky), notes(good)]).toEqual([[], []])
  expect(recorder.status()).toMatchObject({ accepted: 3, stored: 3, storedRaw: 1, failed: 0, pending: 0 })
})

it('goes on behind damage in the journal, counts it, and stores every other call', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir)
  const ids: string[] = []
  for (let count = 0; count < 5; count++) ids.push(await call(journal, `question ${count}`, `answer ${count}`))
  const file = segmentPath(dir, journal.epoch, 1)
  const bytes = readFileSync(file)
  bytes[bytes.indexOf(ids[2]!)]! ^= 1 // in an OPEN: its CLOSE then has no beginning
  bytes[bytes.indexOf('answer 3')]! ^= 1
  writeFileSync(file, bytes)
  const { exchanges, toRecord } = collecting()
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch], toRecord })
  await drain(recorder)
  expect([...store.records.keys()]).toEqual(ids.filter((id) => id !== ids[2]))
  expect(exchanges.get(ids[3]!)!.response).toMatchObject({ size: 8, whole: false, pieces: [] })
  expect(recorder.status()).toMatchObject({ accepted: 4, stored: 4, damaged: 3, failed: 0, pending: 0 })
  await journal.end()
})

it('commits nothing while nothing happens, also behind a call that stays open', async () => {
  const dir = temporaryDir()
  const store = new MemoryLocalStore()
  const journal = journalIn(dir, 8192)
  const recorder = recorderOn(dir, store, { liveEpochs: [journal.epoch], carryAfterSegments: 1000 })
  journal.open(openOf(newId(Date.now())), () => {})
  for (let count = 0; count < 30; count++) await call(journal, 'question', 'answer')
  await drain(recorder)
  const { commits } = store
  for (let count = 0; count < 5; count++) expect(await recorder.step()).toBe(false)
  expect(store.commits).toBe(commits)
  await journal.end()
})

it('records a call once although its frames stand in two segments, as after a loss of power that brought back what was cut off', async () => {
  const dir = temporaryDir()
  const journal = journalIn(dir)
  const ids = [await call(journal, 'one', 'two'), await call(journal, 'three', 'four')]
  const path = segmentPath(dir, journal.epoch, 1)
  const bytes = readFileSync(path)
  const { salt } = readSegmentHeader(bytes, path)!
  const header = segmentHeader({ version: journalVersion, segment: 2, salt, epoch: journal.epoch })
  writeFileSync(segmentPath(dir, journal.epoch, 2), Buffer.concat([header, bytes.subarray(segmentHeaderBytes)]))
  const store = new MemoryLocalStore()
  const recorder = recorderOn(dir, store)
  await drain(recorder)
  expect([...store.records.keys()]).toEqual(ids)
  expect(store.repeated).toEqual([])
  expect(recorder.status()).toMatchObject({ accepted: 2, stored: 2, damaged: 0 })
  await journal.end()
})
