import fc from 'fast-check'
import type { Action } from './journal-under-test.ts'
import type { Fault } from './power-disk.ts'

const slot = fc.nat({ max: 4 })
const faults: readonly Fault[] = ['none', 'ENOSPC', 'EIO', 'short', 'slow', 'hang', 'untruncatable', 'unsyncable']

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('open', 'close'), slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('head'), slot }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('data'), slot, bytes: fc.integer({ min: 1, max: 1800 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('turn') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sync') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(100, 400, 1500) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fault'), fault: fc.constantFrom(...faults) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash', 'power') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flip'), file: fc.nat(), at: fc.nat() }) },
) as fc.Arbitrary<Action>

/** What may happen to a journal, in any order. */
export const script = fc.array(action, { minLength: 10, maxLength: 60, size: 'max' })
