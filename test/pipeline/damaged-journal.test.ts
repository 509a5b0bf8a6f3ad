import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { listSegments, segmentPath } from '../../src/journal/segments.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { EpochPosition } from '../../src/pipeline/local-store.ts'
import type { ExchangeClose, ExchangeOpen } from '../../src/records/exchange.ts'
import { temporaryDir } from '../journal/support.ts'
import { MemoryLocalStore } from '../support/memory-local-store.ts'
import { call, collecting, drain, journalIn, recorderOn, textOf } from './support.ts'

/** A dead epoch of so many small calls, kept apart so that it can be damaged again and again. */
async function deadEpoch(calls: number, segmentBytes = 1024 * 1024) {
  const original = temporaryDir()
  const journal = openJournal({ dir: original, clock: systemClock, segmentBytes })
  const ids = Array.from({ length: calls }, (_, number) => `call ${number}`)
  for (const id of ids) {
    await new Promise<void>((resolve) => {
      const exchange = journal.open({ id } as ExchangeOpen, () => {})
      journal.data(exchange, 'response', 0, 1, Buffer.from(`answer to ${id}`))
      journal.close(exchange, { atMs: 1 } as ExchangeClose, () => resolve())
    })
  }
  await journal.end()
  const dir = join(temporaryDir(), 'journal')
  const { epoch } = journal
  /** As it was written. */
  const restored = () => {
    rmSync(dir, { recursive: true, force: true })
    cpSync(original, dir, { recursive: true })
  }
  restored()
  return { ids, dir, epoch, restored, file: (segment = 1) => segmentPath(dir, epoch, segment) }
}

/** What a new recorder makes of a journal, with what it says of itself. */
async function recorded(dir: string, store = new MemoryLocalStore()) {
  const { exchanges, toRecord } = collecting()
  const recorder = recorderOn(dir, store, { toRecord, chunkBytes: 4000 })
  await drain(recorder)
  recorder.close()
  const { accepted, stored, pending, failed, damaged } = recorder.status()
  expect(accepted).toBe(stored + pending + failed)
  return { exchanges, damaged, ids: [...store.records.keys()], repeated: store.repeated }
}

it('spoils at most one of 20 records whichever byte of the journal is flipped, and never stops before it (49)', async () => {
  const { ids, dir, file } = await deadEpoch(20)
  const good = readFileSync(file())
  let spoilt = 0
  for (let at = 0; at < good.length; at++) {
    mkdirSync(dirname(file()), { recursive: true })
    const bad = Buffer.from(good)
    bad[at]! ^= 1 << (at % 8)
    writeFileSync(file(), bad)
    const found = await recorded(dir)
    expect(found.ids.filter((id) => !ids.includes(id))).toEqual([])
    const whole = ids.filter((id) => {
      const exchange = found.exchanges.get(id)
      return exchange?.close && textOf(exchange, 'response') === `answer to ${id}`
    })
    expect(ids.length - whole.length, `byte ${at}`).toBeLessThanOrEqual(1)
    if (whole.length < ids.length) expect(found.damaged, `byte ${at}`).toBeGreaterThan(0)
    if (whole.length < ids.length) spoilt++
    expect(existsSync(file())).toBe(false) // read to its end
  }
  console.log(`${good.length} bytes of 20 records flipped one by one: ${spoilt} flips cost one record, none cost more`)
}, 120_000)

it('keeps every whole record of a journal that was cut anywhere, and the cut one as interrupted (49)', async () => {
  const { ids, dir, restored, file } = await deadEpoch(5)
  const size = readFileSync(file()).length
  for (let cut = size; cut >= 0; cut--) {
    restored()
    truncateSync(file(), cut)
    const { ids: stored, exchanges, damaged } = await recorded(dir)
    expect(stored).toEqual(ids.slice(0, stored.length))
    expect(stored.filter((id) => exchanges.get(id)?.close === null).length).toBeLessThanOrEqual(1)
    expect(damaged).toBe(0)
  }
}, 60_000)

it('reads on behind a segment that is missing (49)', async () => {
  const { ids, dir, epoch, restored, file } = await deadEpoch(60, 1500)
  const segments = listSegments(dir, epoch)
  expect(segments.length).toBeGreaterThan(4)
  for (const missing of segments) {
    restored()
    rmSync(file(missing))
    const found = await recorded(dir)
    expect(found.ids).toEqual(ids.filter((id) => found.ids.includes(id)))
    expect(found.ids.length).toBeGreaterThan(ids.length - Math.ceil((2 * ids.length) / segments.length))
    if (missing !== segments.at(-1)) expect(found.ids.at(-1)).toBe(ids.at(-1))
  }
}, 60_000)

/** Places that a database may hold which was restored from a backup, or belongs to another journal. */
const stale: Readonly<Record<string, (epoch: string, file: string) => EpochPosition>> = {
  'its beginning': (epoch) => ({ epoch, segment: 1, offset: 0 }),
  'the middle of a frame': (epoch) => ({ epoch, segment: 1, offset: 333 }),
  'behind the end of a file': (epoch) => ({ epoch, segment: 1, offset: 1_000_000 }),
  'a segment that is gone': (epoch) => ({ epoch, segment: 2, offset: 500 }),
  'a segment that never was': (epoch) => ({ epoch, segment: 999, offset: 128 }),
  'another epoch': () => ({ epoch: '01900000-0000-7000-8000-00000000abcd', segment: 3, offset: 128 }),
}

it.each(Object.entries(stale))(
  'starts from a place in the journal that says %s, and records nothing twice (49)',
  async (_what, position) => {
    const { ids, dir, epoch, file } = await deadEpoch(40, 1500)
    rmSync(file(2))
    const store = new MemoryLocalStore()
    const there = position(epoch, file())
    store.positions.set(there.epoch, there)
    const found = await recorded(dir, store)
    expect(found.repeated).toEqual([])
    expect(found.ids).toEqual(ids.filter((id) => found.ids.includes(id)))
    expect(existsSync(file())).toBe(false)
  },
)

it('counts the calls that an earlier database has when its own is new, so that all of them are accounted for (52)', async () => {
  const dir = temporaryDir()
  const journal = journalIn(dir, 8192)
  const first = new MemoryLocalStore()
  const recorder = recorderOn(dir, first, { liveEpochs: [journal.epoch], chunkBytes: 2000 })
  for (let count = 0; count < 50; count++) await call(journal, 'question', 'answer')
  await drain(recorder)
  recorder.close()
  expect(listSegments(dir, journal.epoch)[0]).toBeGreaterThan(1)
  const store = new MemoryLocalStore()
  const again = recorderOn(dir, store, { liveEpochs: [journal.epoch] })
  await call(journal, 'question', 'answer')
  await drain(again)
  expect(again.status()).toMatchObject({ accepted: 51, acceptedLive: 51, stored: 51, pending: 0, failed: 0 })
  expect(store.records.size).toBeGreaterThan(0)
  expect(store.records.size).toBeLessThan(50)
  expect([...store.records.keys()].at(-1)).not.toBe([...first.records.keys()].at(-1))
  again.close()
  await journal.end()
})
