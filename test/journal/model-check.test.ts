import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { script } from './actions.ts'
import { JournalUnderTest } from './journal-under-test.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it.each([
  { durability: 'write', what: 'what it called back, over deaths, and what was synced, over losses of power' },
  { durability: 'sync', what: 'what it called back, over deaths and losses of power' },
] as const)(
  'keeps with durability $durability $what, whatever the disk does',
  async ({ durability }) => {
    const numRuns = Number(process.env.MODEL_RUNS ?? 400)
    await fc.assert(
      fc.asyncProperty(script, fc.nat(), async (actions, seed) => {
        const test = new JournalUnderTest(seed, { durability })
        try {
          for (const [place, one] of actions.entries()) {
            await test.act(one)
            expect({ place, faults: test.faults() }).toEqual({ place, faults: [] })
          }
        } finally {
          test.end()
        }
      }),
      { numRuns },
    )
  },
  120_000,
)
