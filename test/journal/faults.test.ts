import { expect, it } from 'vitest'
import { type Damage, EpochReader } from '../../src/journal/reader.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { FaultyFiles } from './faulty-files.ts'
import { closeOf, openOf, temporaryDir } from './support.ts'

/** A journal on faulty files, under a clock that the test moves. */
function faulty(options: { segmentBytes?: number; pendingLimitBytes?: number } = {}) {
  const dir = temporaryDir()
  const files = new FaultyFiles()
  const clock = { nowMs: 0, wall: () => 1_790_000_000_000, mono: () => clock.nowMs }
  const problems: string[] = []
  const journal = openJournal({
    dir,
    clock,
    files,
    segmentBytes: 1024 * 1024,
    problem: (event) => problems.push(event),
    ...options,
  })
  const call = (name: string, body: string | Buffer = 'body') =>
    new Promise<boolean[]>((resolve) => {
      const answers: boolean[] = []
      const exchange = journal.open(openOf(name), (safe) => answers.push(safe))
      journal.data(exchange, 'response', 0, 1, Buffer.from(body))
      journal.close(exchange, closeOf(), (safe) => resolve([...answers, safe]))
    })
  return { dir, files, clock, journal, call, problems }
}

/** Everything a reader finds: `open a`, `data body`, `close` … */
function found(dir: string, epoch: string) {
  const damage: Damage[] = []
  const reader = new EpochReader({ dir, epoch, damage: (what) => damage.push(what) })
  const frames: string[] = []
  for (;;) {
    const read = reader.read(false)
    for (const { frame } of read.frames) {
      const text = frame.payload.toString()
      if (frame.type === 'open') frames.push(`open ${JSON.parse(text).id}`)
      else frames.push(frame.type === 'data' ? `data ${text.slice(0, 20)}` : frame.type)
    }
    if (read.ended) break
  }
  reader.close()
  return { frames, damage }
}

const whole = (name: string, body = 'body') => [`open ${name}`, `data ${body}`, 'close']

it('completes short writes, so that nothing behind them is lost', async () => {
  const { dir, files, journal, call } = faulty()
  files.mouthful = 100
  expect(await call('a')).toEqual([true, true])
  expect(await call('b', Buffer.alloc(5000, 'x'))).toEqual([true, true])
  await journal.end()
  expect(found(dir, journal.epoch)).toEqual({
    frames: [...whole('a'), ...whole('b', 'x'.repeat(20)), 'end'],
    damage: [],
  })
})

it('gives the disk no more buffers at once than it takes', async () => {
  const { dir, files, journal } = faulty()
  const exchange = journal.open(openOf('a'), () => {})
  for (let piece = 0; piece < 3000; piece++) journal.data(exchange, 'response', piece * 2000, 1, Buffer.alloc(2000))
  await new Promise<void>((resolve) => journal.close(exchange, closeOf(), () => resolve()))
  expect(files.syncWrites).toBe(1 + 6) // the header, then 6,000 buffers in groups of 1,024
  expect(journal.counters.writes).toBe(1)
  await journal.end()
  expect(found(dir, journal.epoch).frames).toHaveLength(3003)
})

it('releases calls unprotected while the disk is full, and writes all of them once there is room', async () => {
  const { dir, files, journal, call, problems } = faulty()
  expect(await call('a')).toEqual([true, true])
  files.room = 150
  expect(await call('b')).toEqual([false, false])
  expect(await call('c')).toEqual([false, false])
  expect(journal.counters).toMatchObject({ unprotected: 2, stalled: true, dropped: 0 })
  expect(problems).toContain('journal write failed')
  expect(found(dir, journal.epoch)).toEqual({ frames: whole('a'), damage: [] })
  files.room = Number.POSITIVE_INFINITY
  await journal.end()
  expect(found(dir, journal.epoch)).toEqual({
    frames: [...whole('a'), ...whole('b'), ...whole('c'), 'end'],
    damage: [],
  })
})

it('recovers by itself after a while, without new calls and without an end', async () => {
  const { dir, files, journal, call } = faulty()
  files.broken = 'EIO'
  expect(await call('a')).toEqual([false, false])
  files.broken = null
  await expect.poll(() => found(dir, journal.epoch).frames, { timeout: 5000 }).toEqual(whole('a'))
  expect(await call('b')).toEqual([true, true])
  await journal.end()
})

it('writes no frame twice when a failed write cannot be cut off', async () => {
  const { dir, files, journal, call } = faulty()
  await call('a')
  files.room = 750 // takes the next call's OPEN and a part of what follows
  files.truncateBroken = true
  expect(await call('b', 'x'.repeat(900))).toEqual([false, false])
  files.room = Number.POSITIVE_INFINITY
  await journal.end()
  const { frames } = found(dir, journal.epoch)
  expect(frames).toEqual([...whole('a'), ...whole('b', 'x'.repeat(20)), 'end'])
  expect(files.opened.length).toBeGreaterThan(1)
})

it('survives that no new segment can be made', async () => {
  const { dir, files, journal, call } = faulty({ segmentBytes: 2000 })
  files.openBroken = true
  const answers: boolean[] = []
  for (let count = 0; count < 6; count++) answers.push(...(await call(`call ${count}`)))
  expect(answers[0]).toBe(true)
  expect(answers.at(-1)).toBe(false)
  files.openBroken = false
  await journal.end()
  const { frames, damage } = found(dir, journal.epoch)
  expect(frames).toEqual([...[0, 1, 2, 3, 4, 5].flatMap((count) => whole(`call ${count}`)), 'end'])
  expect(damage).toEqual([])
})

it('moves writing to the thread pool after a stall, and back when the disk has been quick for a while', async () => {
  const { dir, files, clock, journal, call } = faulty()
  files.beforeSync = () => {
    clock.nowMs += 60
  }
  expect(await call('slow')).toEqual([true, true])
  expect(journal.counters.stalled).toBe(true)
  expect(await call('a')).toEqual([true, true])
  expect(files.asyncWrites).toBe(1)
  clock.nowMs += 1_100
  expect(await call('b')).toEqual([true, true])
  expect(journal.counters.stalled).toBe(false)
  files.beforeSync = () => {}
  const before = files.asyncWrites
  expect(await call('c')).toEqual([true, true])
  expect(files.asyncWrites).toBe(before)
  await journal.end()
  expect(found(dir, journal.epoch).frames).toEqual([...['slow', 'a', 'b', 'c'].flatMap((name) => whole(name)), 'end'])
})

it('lets nobody wait longer than its patience for a disk that hangs, and loses nothing of what they wrote', async () => {
  const { dir, files, clock, journal, call } = faulty()
  files.beforeSync = () => {
    clock.nowMs += 60
  }
  await call('slow')
  files.held = []
  const first = call('a')
  await expect.poll(() => files.held?.length).toBe(1)
  const second = call('b')
  clock.nowMs += 251
  expect(await first).toEqual([false, false])
  expect(await second).toEqual([false, false])
  expect(journal.counters.unprotected).toBe(2)
  files.release()
  expect(await call('c')).toEqual([true, true])
  await journal.end()
  expect(found(dir, journal.epoch).frames).toEqual([...['slow', 'a', 'b', 'c'].flatMap((name) => whole(name)), 'end'])
})

it('drops body bytes beyond its limit while the disk takes nothing, but no beginning and no end', async () => {
  const { dir, files, journal, call } = faulty({ pendingLimitBytes: 10_000 })
  files.broken = 'EIO'
  for (let count = 0; count < 5; count++) await call(`call ${count}`, Buffer.alloc(4000, 'x'))
  expect(journal.counters.dropped).toBeGreaterThan(0)
  files.broken = null
  await journal.end()
  const { frames } = found(dir, journal.epoch)
  expect(frames.filter((frame) => frame.startsWith('open'))).toHaveLength(5)
  expect(frames.filter((frame) => frame === 'close')).toHaveLength(5)
  expect(frames.filter((frame) => frame.startsWith('data')).length).toBeLessThan(5)
})

it('never throws into a caller, also after its end', async () => {
  const { journal, call, problems } = faulty()
  const exchange = journal.open(openOf('a'), () => {
    throw new Error('a caller of ours is broken')
  })
  const safe = new Promise<boolean>((resolve) => journal.close(exchange, closeOf(), resolve))
  expect(await safe).toBe(true)
  expect(problems).toEqual(['journal callback threw'])
  await journal.end()
  expect(await call('late')).toEqual([false, false])
})

it('ends with everything written, also when the disk turns quick again in the middle of its last writes', async () => {
  const { dir, files, clock, journal, call } = faulty()
  files.beforeSync = () => {
    clock.nowMs += 60
  }
  await call('slow')
  files.held = []
  call('a')
  await expect.poll(() => files.held?.length).toBe(1)
  call('b')
  const ended = journal.end()
  clock.nowMs += 1
  files.release()
  clock.nowMs += 2_000
  await ended
  expect(found(dir, journal.epoch).frames).toEqual([...['slow', 'a', 'b'].flatMap((name) => whole(name)), 'end'])
})
