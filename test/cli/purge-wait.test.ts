import { expect, it } from 'vitest'
import type { PurgeAnswer } from '../../src/api/purge-answer.ts'
import type { PurgePlace } from '../../src/cli/purge-place.ts'
import { purgeOn } from '../../src/cli/purge-wait.ts'

type Part = PurgeAnswer['parts'][number]

const embedded = (records: number, state: Part['state']): Part => ({
  name: 'embedded',
  state,
  done_at: null,
  message: null,
  counts: { records },
})
const mongodb = (message: string | null): Part => ({
  name: 'mongodb',
  state: 'waiting',
  done_at: null,
  message,
  counts: {},
})
const purgeOf = (...parts: Part[]): PurgeAnswer => ({
  number: 7,
  dry_run: false,
  project: null,
  user: 'ada',
  before: null,
  bound: '2026-11-20T00:00:00.000Z',
  asked_at: '2026-11-20T00:00:00.000Z',
  state: parts.some(({ state }) => state === 'waiting') ? 'waiting' : 'done',
  parts,
})

/** A place that says one after the other, the last again and again; each look takes 400 ms. */
async function waiting(said: readonly PurgeAnswer[], heldMs = 5_000) {
  let [nowMs, looks] = [0, 0]
  const notes: string[] = []
  const place: PurgePlace = {
    ask: async () => said[0]!,
    async look() {
      nowMs += 400
      return said[Math.min(++looks, said.length - 1)] ?? null
    },
    heldMs,
    close: async () => {},
  }
  const found = await purgeOn(place, { user: 'ada' }, { note: (text) => void notes.push(text) }, () => nowMs)
  return { found, notes, nowMs }
}

it('tells each second how far it is', async () => {
  const parts = [0, 10, 20, 30, 40, 50].map((records) => purgeOf(embedded(records, 'waiting')))
  const { found, notes } = await waiting([...parts, purgeOf(embedded(60, 'done'))])
  expect(found.state).toBe('done')
  expect(notes).toEqual(['Embedded database: 30 records\n'])
})

it('waits a little for what is away, and ends with what waits', async () => {
  const { found, nowMs } = await waiting([purgeOf(embedded(1, 'done'), mongodb('takes nothing'))])
  expect([found.state, nowMs]).toEqual(['waiting', 5_200])
  expect((await waiting([purgeOf(embedded(1, 'done'), mongodb('takes nothing'))], 0)).nowMs).toBe(0)
})

it('waits longer for what only takes its time, but not for ever', async () => {
  const { found, nowMs } = await waiting([purgeOf(embedded(1, 'done'), mongodb(null))])
  expect([found.state, nowMs]).toEqual(['waiting', 120_000])
})
