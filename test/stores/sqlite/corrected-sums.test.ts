import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CallFacts, factsOf } from '../../../src/stores/rollups/facts.ts'
import { emptySums, mergeEncodedSums } from '../../../src/stores/rollups/sums.ts'
import { correctedSums } from '../../../src/stores/sqlite/corrected-sums.ts'
import { bytesOf } from '../../../src/stores/sqlite/record-rows.ts'
import { rollupWriter } from '../../../src/stores/sqlite/rollup-rows.ts'
import { totalsWriter } from '../../../src/stores/sqlite/total-rows.ts'
import { seeded } from '../../faults/seeded.ts'
import { aRecord } from '../../support/records.ts'
import { aDatabase } from '../../support/sqlite-store.ts'

let files: ReturnType<typeof aDatabase>
let database: DatabaseSync
beforeEach(() => {
  files = aDatabase()
  database = new DatabaseSync(files.path)
})
afterEach(() => {
  database.close()
  files.remove()
})

const call = (model: string, cost: string | null): CallFacts =>
  factsOf(aRecord({ metadata: { llm_model: model, cost_picodollars: cost } }))

/** Counts the calls as the recorder does, with few names in the totals. */
function count(calls: readonly CallFacts[], names = 20): void {
  const writers = [rollupWriter(database, 'here'), totalsWriter(database, names)]
  database.exec('BEGIN')
  for (const one of calls) {
    for (const writer of writers) {
      writer.add(one)
      writer.flush()
    }
  }
  database.exec('COMMIT')
}

function sumOf(table: 'rollups' | 'totals', where = '1') {
  const sums = emptySums()
  for (const row of database.prepare(`SELECT sums FROM ${table} WHERE ${where}`).all())
    mergeEncodedSums(sums, bytesOf(row.sums))
  return { picodollars: sums.picodollars, unpriced: sums.counts.unpriced, latency: sums.latency.sumUs }
}

const expected = (calls: readonly CallFacts[]) => ({
  picodollars: calls.reduce((sum, one) => sum + (one.picodollars ?? 0n), 0n),
  unpriced: calls.filter(({ unpriced }) => unpriced).length,
})

describe('corrected sums', () => {
  it('are those that the calls would have had with their new cost, on every level, and nothing else changes', () => {
    const { pick, whole } = seeded(3)
    const cost = () => pick(['0', null, `${whole(1, 1e9)}`, '9007199254740993'])
    const pairs = Array.from({ length: 300 }, () => {
      const model = pick(['a', 'b', 'c'])
      return { before: call(model, cost()), after: call(model, cost()) }
    })
    count(pairs.map(({ before }) => before))
    const { latency } = sumOf('rollups')
    const sums = correctedSums(database, 'here')
    for (const { before, after } of pairs) sums.add(before, after)
    expect(sums.flush()).toBe(0)
    const after = pairs.map((pair) => pair.after)
    for (const level of [1, 2, 3, 4, 5]) expect(sumOf('rollups', `level = ${level}`)).toMatchObject(expected(after))
    for (const model of ['a', 'b', 'c'])
      expect(sumOf('totals', `model = '${model}'`)).toMatchObject(expected(after.filter((one) => one.model === model)))
    expect(sumOf('rollups').latency).toBe(latency)
  })

  it('reach the calls whose names were counted together with others', () => {
    const made = Array.from({ length: 200 }, (_, number) => `made-up-${number % 120}`)
    const before = made.map((model) => call(model, '1000'))
    count(before)
    const sums = correctedSums(database, 'here')
    const after = made.map((model, number) => call(model, number % 3 === 0 ? null : '1'))
    for (const [place, one] of before.entries()) sums.add(one, after[place]!)
    expect(sums.flush()).toBe(0)
    expect(sumOf('totals')).toMatchObject(expected(after))
  })

  it('tell where retention took what is corrected, and never fall below nothing', () => {
    const [kept, gone] = [call('kept', '1000'), call('gone', '1000')]
    count([kept, gone])
    database.exec("DELETE FROM rollups WHERE model = 'gone'")
    const sums = correctedSums(database, 'here')
    sums.add(kept, call('kept', '1'))
    sums.add(gone, call('gone', null))
    expect(sums.flush()).toBe(5)
    expect(sumOf('rollups', 'level = 1')).toMatchObject({ picodollars: 1n, unpriced: 0 })
    sums.add(call('kept', '1000'), call('kept', '0'))
    expect(sums.flush()).toBe(6)
    expect(sumOf('rollups', 'level = 1').picodollars).toBe(0n)
    expect(sums.flush()).toBe(0)
  })
})
