import { expect, it, vi } from 'vitest'
import { listSegments } from '../../src/journal/segments.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { FaultyFiles } from './faulty-files.ts'
import { closeOf, framesIn, openOf, temporaryDir } from './support.ts'

/** A journal with `durability: sync`, on files whose syncs the test holds and breaks. */
function syncing() {
  const dir = temporaryDir()
  const files = new FaultyFiles()
  const clock = { nowMs: 0, wall: () => 1_790_000_000_000, mono: () => clock.nowMs }
  const problems: string[] = []
  const journal = openJournal({
    dir,
    clock,
    files,
    segmentBytes: 1024 * 1024,
    durability: 'sync',
    patienceMs: 250,
    problem: (event) => problems.push(event),
  })
  const told: string[] = []
  const open = (name: string) => journal.open(openOf(name), (safe) => told.push(`open ${name} ${safe}`))
  const close = (exchange: number, name: string) =>
    journal.close(exchange, closeOf(), (safe) => told.push(`close ${name} ${safe}`))
  const toldSoon = (wanted: readonly string[]) => expect.poll(() => told).toEqual(wanted)
  return { dir, files, clock, journal, problems, told, open, close, toldSoon }
}

it('calls nobody safe before a sync that began after the write, and lets those who write meanwhile share the next', async () => {
  const { files, journal, told, open, toldSoon } = syncing()
  files.heldSyncs = []
  open('a')
  await expect.poll(() => files.syncs).toBe(1)
  for (const name of ['b', 'c', 'd']) {
    const { writes } = journal.counters
    open(name)
    await expect.poll(() => journal.counters.writes).toBe(writes + 1)
  }
  expect(told).toEqual([])
  const [first] = files.heldSyncs.splice(0)
  first!()
  await toldSoon(['open a true'])
  await expect.poll(() => files.syncs).toBe(2)
  files.releaseSyncs()
  await toldSoon(['open a true', 'open b true', 'open c true', 'open d true'])
  expect(files.syncs).toBe(2)
  await journal.end()
})

it('calls no call safe that was open when a sync failed, and goes on in a new segment', async () => {
  const { dir, files, journal, problems, open, close, toldSoon } = syncing()
  const a = open('a')
  await toldSoon(['open a true'])
  journal.data(a, 'response', 0, 1, Buffer.from('bytes that the failed sync was to make safe'))
  files.unsyncable = 'EIO'
  const b = open('b')
  await toldSoon(['open a true', 'open b false'])
  files.unsyncable = null
  close(a, 'a')
  close(b, 'b')
  await toldSoon(['open a true', 'open b false', 'close a false', 'close b false'])
  close(open('c'), 'c')
  await expect.poll(() => framesIn(dir, journal.epoch)).toHaveLength(7)
  await toldSoon(['open a true', 'open b false', 'close a false', 'close b false', 'open c true', 'close c true'])
  expect(journal.counters.unprotected).toBe(2)
  expect(problems).toEqual(['journal sync failed'])
  expect(listSegments(dir, journal.epoch)).toEqual([1, 2])
  await journal.end()
})

it('lets nobody wait longer than its patience for a sync that hangs', async () => {
  const { files, clock, journal, open, toldSoon } = syncing()
  files.heldSyncs = []
  open('a')
  await expect.poll(() => files.syncs).toBe(1)
  clock.nowMs += 251
  await toldSoon(['open a false'])
  open('b')
  await expect.poll(() => journal.counters.writes).toBe(2)
  files.releaseSyncs()
  await toldSoon(['open a false', 'open b true'])
  expect(journal.counters.unprotected).toBe(1)
  await journal.end()
})

it('ends only when everybody was told', async () => {
  const { files, journal, told, open } = syncing()
  files.heldSyncs = []
  open('a')
  await expect.poll(() => files.syncs).toBe(1)
  const ended = vi.fn()
  const end = journal.end().then(ended)
  await expect.poll(() => journal.counters.writes).toBe(2)
  expect(ended).not.toHaveBeenCalled()
  files.releaseSyncs()
  await end
  expect(told).toEqual(['open a true'])
})

it('makes no sync at all with durability write', async () => {
  const files = new FaultyFiles()
  const clock = { wall: () => 1_790_000_000_000, mono: () => 0 }
  const journal = openJournal({ dir: temporaryDir(), clock, files, segmentBytes: 4096 })
  expect(await new Promise((resolve) => journal.open(openOf('a'), resolve))).toBe(true)
  await journal.end()
  expect(files.syncs).toBe(0)
})
