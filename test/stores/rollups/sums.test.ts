import { describe, expect, it } from 'vitest'
import { storedNames } from '../../../src/records/stored-names.ts'
import { unknownUsage } from '../../../src/records/usage.ts'
import { factsOf } from '../../../src/stores/rollups/facts.ts'
import { rollupRows } from '../../../src/stores/rollups/levels.ts'
import {
  addCall,
  emptySums,
  encodeSums,
  mergeEncodedSums,
  mergeSums,
  usageSums,
} from '../../../src/stores/rollups/sums.ts'
import { aMoment, aRecord } from '../../support/records.ts'

describe('sums', () => {
  it('come back from their bytes as they were, with money of any size', () => {
    const sums = emptySums()
    addCall(sums, factsOf(aRecord({ metadata: { cost_picodollars: '123456789012345678901234567890' } })))
    addCall(sums, factsOf(aRecord({ metadata: { cost_picodollars: '127' } })))
    const back = emptySums()
    mergeEncodedSums(back, encodeSums(sums))
    expect(usageSums(back)).toEqual(usageSums(sums))
    expect(usageSums(back).cost_picodollars).toBe('123456789012345678901234568017')
  })

  it.each([1n, 127n, 128n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 53n + 1n, 2n ** 56n - 1n, 2n ** 70n + 1n])(
    'hold %d picodollars exactly',
    (picodollars) => {
      const sums = { ...emptySums(), picodollars }
      const back = emptySums()
      mergeEncodedSums(back, encodeSums(sums))
      expect(back.picodollars).toBe(picodollars)
    },
  )

  it('stop at the greatest exact number instead of becoming wrong', () => {
    const sums = emptySums()
    const call = factsOf(aRecord({ metadata: { total_tokens: Number.MAX_SAFE_INTEGER } }))
    addCall(sums, call)
    addCall(sums, call)
    const back = emptySums()
    mergeEncodedSums(back, encodeSums(sums))
    mergeSums(back, sums)
    expect(back.counts.total_tokens).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('tell the speed over the calls that have one', () => {
    const sums = emptySums()
    addCall(sums, factsOf(aRecord({ metadata: { output_tokens_per_second: 50 } })))
    addCall(sums, factsOf(aRecord({ metadata: { output_tokens_per_second: null } })))
    expect(usageSums(sums).output_tokens_per_second).toBeCloseTo(50, 3)
    expect(usageSums(emptySums()).output_tokens_per_second).toBeNull()
  })

  it('count calls without a price apart from calls without tokens', () => {
    const sums = emptySums()
    addCall(sums, factsOf(aRecord({ metadata: { cost_picodollars: null } })))
    const none = {
      prompt_tokens: null,
      completion_tokens: null,
      total_tokens: null,
      usage: null,
      cost_picodollars: null,
    }
    addCall(sums, factsOf(aRecord({ metadata: none })))
    expect(usageSums(sums)).toMatchObject({ requests: 2, unpriced: 1 })
    for (const piece of [{ images: 2 }, { audioSeconds: 0.5 }, { characters: 9 }, { images: 0 }]) {
      const usage = storedNames({ ...unknownUsage, ...piece })
      addCall(sums, factsOf(aRecord({ metadata: { ...none, usage } })))
    }
    expect(usageSums(sums)).toMatchObject({ requests: 6, unpriced: 4 })
  })
})

describe('facts', () => {
  it('refuse numbers that cannot be true, by name', () => {
    const facts = (metadata: object) => () => factsOf(aRecord({ id: 'this-call', metadata }))
    expect(facts({ total_tokens: -1 })).toThrow('this-call: totalTokens is -1, no count')
    expect(facts({ request_size: Number.NaN })).toThrow('this-call: requestBytes is NaN, no count')
    expect(facts({ cost_picodollars: '-7' })).toThrow('this-call: costs -7')
  })
})

describe('rollup rows', () => {
  it('are one for each level, by the hour and day of the opening', () => {
    const rows = rollupRows(factsOf(aRecord({ atMs: aMoment })), 'here')
    expect(rows.map(({ level, startMs, owner }) => [level, startMs, owner])).toEqual([
      ['model_hour', Date.UTC(2026, 10, 20, 10), ''],
      ['model_day', Date.UTC(2026, 10, 20), ''],
      ['key_hour', Date.UTC(2026, 10, 20, 10), '0123456789abcdef0123456789abcdef'],
      ['key_day', Date.UTC(2026, 10, 20), '0123456789abcdef0123456789abcdef'],
      ['user_day', Date.UTC(2026, 10, 20), 'ada'],
    ])
  })

  it('keep model calls apart from everything else', () => {
    const kinds = (operation: 'chat' | 'models') =>
      rollupRows(factsOf(aRecord({ metadata: { operation } })), 'here').map(({ modelCall }) => modelCall)
    expect(new Set(kinds('chat'))).toEqual(new Set([true]))
    expect(new Set(kinds('models'))).toEqual(new Set([false]))
  })
})
