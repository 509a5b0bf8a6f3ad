import { beforeEach, expect, it } from 'vitest'
import { DiskBudget } from '../../src/journal/disk-budget.ts'
import { type LimitedJournal, limitedJournal } from '../../src/journal/limited.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { FaultyFiles } from './faulty-files.ts'
import { closeOf, framesIn, openOf, temporaryDir } from './support.ts'

const infinite = Number.POSITIVE_INFINITY
const clock = { nowMs: 0, wall: () => 1_790_000_000_000 + clock.nowMs, mono: () => clock.nowMs }
const limitBytes = 100_000

let dir: string
let journal: LimitedJournal
let files: FaultyFiles

beforeEach(() => {
  clock.nowMs = 0
  dir = temporaryDir()
  files = new FaultyFiles()
  const writer = openJournal({ dir, clock, files, segmentBytes: 1024 * 1024, pendingLimitBytes: 10_000 })
  journal = limitedJournal(writer, limitBytes, clock)
})

const use = (part: number) => journal.looked({ usedBytes: part * limitBytes, freeBytes: infinite })

/** One call with a body of `bytes`; resolves with what its two callbacks said. */
const call = (name: string, bytes = 10) =>
  new Promise<boolean[]>((resolve) => {
    const told: boolean[] = []
    const exchange = journal.open(openOf(name), (safe) => told.push(safe))
    journal.data(exchange, 'response', 0, 1, Buffer.alloc(bytes))
    journal.close(exchange, closeOf(0, bytes), (safe) => resolve([...told, safe]))
  })

const json = (type: string) =>
  framesIn(dir, journal.epoch)
    .filter((frame) => frame.type === type)
    .map((frame) => JSON.parse(frame.payload.toString()))

it('takes no bodies from 80 % on, says so at the end of those calls, and takes them again below 75 %', async () => {
  await call('whole')
  use(0.8)
  expect(await call('lean')).toEqual([true, true])
  use(0.76)
  expect(journal.state).toBe('lean')
  use(0.74)
  await call('whole again')
  expect(framesIn(dir, journal.epoch).filter(({ type }) => type === 'data')).toHaveLength(2)
  expect(json('close').map(({ notes }) => notes)).toEqual([
    undefined,
    [expect.stringContaining('journal.limit')],
    undefined,
  ])
  expect(journal.counters).toMatchObject({ accepted: 3, leanCalls: 1, droppedCalls: 0 })
  await journal.end()
})

it('counts calls instead of recording them when all is used up, and leaves one record of the gap', async () => {
  const running = journal.open(openOf('running'), () => {})
  use(1)
  for (const name of ['a', 'b', 'c']) expect(await call(name)).toEqual([false, false])
  journal.close(running, closeOf(), () => {})
  clock.nowMs = 60_000
  use(0.9)
  expect(await call('d')).toEqual([true, true])
  expect(journal.counters).toMatchObject({ accepted: 6, droppedCalls: 3, unprotected: 0 })
  expect(json('open').map(({ id, method }) => (method === 'GAP' ? 'gap' : id))).toEqual(['running', 'gap', 'd'])
  expect(json('close')[1].failure).toEqual({
    code: 'journal_full',
    message: '3 calls were not recorded from 2026-09-21T14:13:20.000Z to 2026-09-21T14:14:20.000Z',
  })
  await journal.end()
})

it('ends a gap at the end of the journal', async () => {
  use(2)
  await call('a')
  await journal.end()
  expect(json('close').map(({ failure }) => failure.code)).toEqual(['journal_full'])
})

it('counts what it has written since the last look at the files', async () => {
  use(0.79)
  await call('big', 5_000)
  await call('lean')
  expect(journal.state).toBe('lean')
  expect(journal.counters.leanCalls).toBe(1)
  use(0.5)
  expect(journal.state).toBe('free')
  await journal.end()
})

it('counts a call as dropped, once, whose beginning finds no room while the disk takes nothing', async () => {
  files.broken = 'EIO'
  for (let count = 0; count < 60; count++) await call(`call ${count}`, 0)
  const { accepted, droppedCalls, unprotected } = journal.counters
  expect(droppedCalls).toBeGreaterThan(0)
  expect(droppedCalls + unprotected).toBe(accepted)
  files.broken = null
  await journal.end()
  expect(json('open')).toHaveLength(accepted - droppedCalls)
  expect(json('close').length).toBeLessThanOrEqual(accepted - droppedCalls)
})

it.each([
  [{ usedBytes: 10, freeBytes: 1000 }, 1000, 'free'],
  [{ usedBytes: 800, freeBytes: 10_000 }, 1000, 'lean'],
  [{ usedBytes: 1000, freeBytes: 10_000 }, 1000, 'full'],
  [{ usedBytes: 800, freeBytes: 150 }, 100_000, 'lean'],
  [{ usedBytes: 800, freeBytes: 20 }, 100_000, 'full'],
  [{ usedBytes: 0, freeBytes: 0 }, 1000, 'full'],
] as const)('finds %o of a limit of %i to be %s', (found, limit, state) => {
  const budget = new DiskBudget(limit)
  budget.looked(found, 0)
  expect(budget.state).toBe(state)
})
