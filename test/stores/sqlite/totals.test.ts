import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../../src/records/stored.ts'
import type { CallTotals } from '../../../src/stores/own-store.ts'
import { factsOf } from '../../../src/stores/rollups/facts.ts'
import { openForReading } from '../../../src/stores/sqlite/database.ts'
import { openLocalStore } from '../../../src/stores/sqlite/local.ts'
import { totalsWriter } from '../../../src/stores/sqlite/total-rows.ts'
import { callSums, totalsReader } from '../../../src/stores/sqlite/totals.ts'
import { aRecord } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'

let database: ReturnType<typeof aDatabase>
beforeEach(() => {
  database = aDatabase()
})
afterEach(() => database.remove())

const ofModel = (model: string, calls: number): StoredRecord[] =>
  Array.from({ length: calls }, () => aRecord({ metadata: { model_requested: model } }))
const store = (records: readonly StoredRecord[]) => database.local.commit({ ...emptyBatch, records })

function reading<T>(work: (database: DatabaseSync) => T): T {
  const open = openForReading(database.path)
  try {
    return work(open)
  } finally {
    open.close()
  }
}
function writing<T>(work: (database: DatabaseSync) => T): T {
  const open = new DatabaseSync(database.path)
  try {
    return work(open)
  } finally {
    open.close()
  }
}
const callsByModel = (totals: readonly CallTotals[]) =>
  Object.fromEntries(totals.map(({ model, calls }) => [model, calls]))

describe('totals', () => {
  it('outlive the process, and what is taken from the rollups', () => {
    store(ofModel('a', 3))
    writing((open) => open.exec('DELETE FROM rollups'))
    const again = openLocalStore(database.path)
    again.commit({ ...emptyBatch, records: ofModel('a', 2) })
    again.close()
    expect(reading((open) => callsByModel(totalsReader(open)()))).toEqual({ a: 5 })
  })

  it('begin with the rollups of a file that had none', () => {
    store([...ofModel('a', 3), aRecord({ metadata: { model_requested: 'a', outcome: 'upstream_error_http' } })])
    writing((open) => open.exec('DELETE FROM totals'))
    openLocalStore(database.path).close()
    const [only, ...rest] = reading((open) => totalsReader(open)())
    expect(rest).toEqual([])
    expect(only).toMatchObject({ model: 'a', calls: 4, errors: { upstream_error_http: 1 } })
  })

  it('count a call once, however often it is handed in', () => {
    const [record] = ofModel('a', 1)
    store([record!])
    store([record!])
    expect(reading((open) => callSums(open, Date.now()))).toMatchObject({ requests_total: 1, llm_runs_total: 1 })
  })

  it('are told apart for the names with the most calls; all others are the rest', () => {
    store([...ofModel('a', 3), ...ofModel('b', 2), ...ofModel('c', 1), ...ofModel('d', 1)])
    expect(reading((open) => callsByModel(totalsReader(open, 2)()))).toEqual({ a: 3, b: 2, other: 2 })
  })

  it('keep a name that was told apart once, so that no counter falls', () => {
    store([...ofModel('a', 3), ...ofModel('b', 2), ...ofModel('c', 1)])
    reading((open) => {
      const totals = totalsReader(open, 2)
      expect(callsByModel(totals())).toEqual({ a: 3, b: 2, other: 1 })
      store(ofModel('c', 9))
      expect(callsByModel(totals())).toEqual({ a: 3, b: 2, other: 10 })
    })
  })

  it('cut long names, and add up those that are then alike', () => {
    const long = 'm'.repeat(5_000)
    store([...ofModel(`${long}1`, 1), ...ofModel(`${long}2`, 1)])
    expect(reading((open) => callsByModel(totalsReader(open)()))).toEqual({ [`${'m'.repeat(99)}…`]: 2 })
  })

  it('stay few when clients make names up, and lose no call', () => {
    writing((open) => {
      const writer = totalsWriter(open, 20)
      open.exec('BEGIN')
      for (let call = 0; call < 500; call++) {
        for (const model of ['steady', `made-up-${call}`]) {
          writer.add(factsOf(ofModel(model, 1)[0]!))
          writer.flush()
        }
      }
      const rows = open.prepare('SELECT model, requests FROM totals').all()
      expect(rows.length).toBeLessThanOrEqual(21)
      const { steady, other, ...rest } = callsByModel(totalsReader(open)())
      expect(steady).toBe(500)
      expect((other ?? 0) + Object.values(rest).reduce((sum, calls) => sum + calls, 0)).toBe(500)
    })
  })
})
