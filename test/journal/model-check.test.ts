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

it('keeps what it called back, whatever the disk, the process and the power do', async () => {
  const numRuns = Number(process.env.MODEL_RUNS ?? 400)
  await fc.assert(
    fc.asyncProperty(script, fc.nat(), async (actions, seed) => {
      const test = new JournalUnderTest(seed, {})
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
}, 120_000)
