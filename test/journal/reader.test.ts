import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Frame } from '../../src/journal/frames.ts'
import { type Damage, EpochReader, type Place } from '../../src/journal/reader.ts'
import { listSegments, segmentPath } from '../../src/journal/segments.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { ExchangeClose, ExchangeOpen } from '../../src/records/exchange.ts'
import { temporaryDir } from './support.ts'

/** The reader does not look into the JSON, and short files are quickly damaged at every byte. */
const small = {
  open: (call: number) => ({ id: `call ${call}` }) as ExchangeOpen,
  close: { atMs: 1 } as ExchangeClose,
}

/** A finished epoch with this many small calls of two frames each. */
async function writtenEpoch(calls: number, { segmentBytes = 1024 * 1024, weight = 1 } = {}) {
  const dir = temporaryDir()
  const journal = openJournal({ dir, clock: systemClock, segmentBytes })
  for (let call = 1; call <= calls; call++) {
    await new Promise<void>((resolve) => {
      const exchange = journal.open(small.open(call), () => {})
      journal.data(exchange, 'response', 0, call, Buffer.from(`body ${call}`.repeat(weight)))
      journal.close(exchange, small.close, () => resolve())
    })
  }
  await journal.end()
  return { dir, epoch: journal.epoch, file: segmentPath(dir, journal.epoch, 1) }
}

function readAll(dir: string, epoch: string, chunkBytes?: number) {
  const damage: Damage[] = []
  const reader = new EpochReader({ dir, epoch, damage: (what) => damage.push(what), ...(chunkBytes && { chunkBytes }) })
  const keys: string[] = []
  for (;;) {
    const read = reader.read(false)
    for (const { frame, place } of read.frames) {
      keys.push(key(frame))
      expect(key(reader.readAt(place)!)).toBe(key(frame))
    }
    if (read.ended) break
  }
  reader.close()
  return { keys, damage }
}

const key = ({ type, exchange, payload }: Frame) => `${exchange} ${type} ${type === 'data' ? payload.toString() : ''}`

it('gives every frame back in order over segments, whatever the size of its reads', async () => {
  const { dir, epoch } = await writtenEpoch(30, { segmentBytes: 4096, weight: 100 })
  expect(listSegments(dir, epoch).length).toBeGreaterThan(5)
  const { keys, damage } = readAll(dir, epoch)
  expect(keys).toHaveLength(91)
  expect(keys.slice(0, 3)).toEqual(['1 open ', `1 data ${'body 1'.repeat(100)}`, '1 close '])
  for (const chunkBytes of [64, 100, 1000, 5000]) expect(readAll(dir, epoch, chunkBytes).keys).toEqual(keys)
  expect(damage).toEqual([])
})

it('loses at most one frame to a flipped byte anywhere in the file', async () => {
  const { dir, epoch, file } = await writtenEpoch(7)
  const good = readFileSync(file)
  const whole = readAll(dir, epoch).keys
  expect(whole).toHaveLength(22)
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad[at]! ^= 1 << (at % 8)
    writeFileSync(file, bad)
    const { keys } = readAll(dir, epoch, at % 2 ? 500 : 8192)
    expect(whole.filter((frame) => !keys.includes(frame)).length, `byte ${at}`).toBeLessThanOrEqual(1)
    expect(keys.every((frame) => whole.includes(frame))).toBe(true)
  }
})

it('gives the whole frames of a dead epoch that was cut at any byte', async () => {
  const { dir, epoch, file } = await writtenEpoch(4)
  const whole = readAll(dir, epoch).keys
  const size = readFileSync(file).length
  const ends = new Set<number>()
  for (let cut = size; cut >= 0; cut--) {
    truncateSync(file, cut)
    const { keys, damage } = readAll(dir, epoch, 8192)
    expect(keys).toEqual(whole.slice(0, keys.length))
    expect(damage).toEqual([])
    ends.add(keys.length)
  }
  expect(ends.size).toBe(whole.length + 1)
})

it('waits for an unfinished tail of a live epoch and then goes on with it', async () => {
  const { dir, epoch, file } = await writtenEpoch(2)
  const all = readFileSync(file)
  writeFileSync(file, all.subarray(0, all.length - 5))
  const reader = new EpochReader({ dir, epoch })
  expect(reader.read(true).frames).toHaveLength(6)
  expect(reader.read(true)).toEqual({ frames: [], ended: false })
  writeFileSync(file, all)
  expect(reader.read(true).frames.map(({ frame }) => frame.type)).toEqual(['end'])
  expect(reader.read(true)).toEqual({ frames: [], ended: false })
  expect(reader.read(false).ended).toBe(true)
  reader.close()
})

it('counts a missing segment and reads on behind it', async () => {
  const { dir, epoch } = await writtenEpoch(30, { segmentBytes: 4096, weight: 100 })
  const whole = readAll(dir, epoch).keys
  rmSync(segmentPath(dir, epoch, 2))
  const { keys } = readAll(dir, epoch)
  expect(keys.length).toBeGreaterThan(0)
  expect(keys).toEqual(whole.filter((frame) => keys.includes(frame)))
  expect(keys.at(-1)).toBe(whole.at(-1))
})

it('refuses a journal of a newer version by file and number', async () => {
  const { dir, epoch, file } = await writtenEpoch(1)
  const bytes = readFileSync(file)
  const { segmentHeader } = await import('../../src/journal/segments.ts')
  segmentHeader({ version: 9, segment: 1, salt: 1, epoch }).copy(bytes)
  writeFileSync(file, bytes)
  expect(() => readAll(dir, epoch)).toThrow(`${file}: journal version 9, this build reads up to 1`)
})

it.runIf(process.platform === 'linux')('holds few files open, however many segments there are', async () => {
  const { dir, epoch } = await writtenEpoch(60, { segmentBytes: 700, weight: 60 })
  expect(listSegments(dir, epoch).length).toBeGreaterThan(50)
  const openBefore = readdirSync('/proc/self/fd').length
  const reader = new EpochReader({ dir, epoch })
  const places: Place[] = []
  for (let read = reader.read(false); !read.ended; read = reader.read(false)) {
    places.push(...read.frames.map(({ place }) => place))
    expect(reader.lag()).toBeGreaterThanOrEqual(0)
  }
  for (const place of places) expect(reader.readAt(place)).not.toBeNull()
  expect(readdirSync('/proc/self/fd').length - openBefore).toBeLessThanOrEqual(8)
  reader.close()
  expect(readdirSync('/proc/self/fd').length).toBe(openBefore)
})
