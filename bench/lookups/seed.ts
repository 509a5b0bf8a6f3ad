import { setImmediate as turn } from 'node:timers/promises'
import type { StoredRecord } from '../../src/records/stored.ts'
import { factsOf } from '../../src/stores/rollups/facts.ts'
import { counter } from '../../src/stores/sqlite/counter.ts'
import { inTransaction, openForWriting } from '../../src/stores/sqlite/database.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { recordWriter } from '../../src/stores/sqlite/record-rows.ts'
import { rollupWriter } from '../../src/stores/sqlite/rollup-rows.ts'
import { totalsWriter } from '../../src/stores/sqlite/total-rows.ts'
import { emptyBatch } from '../../test/support/sqlite-store.ts'
import { hoursOfCalls } from './calls.ts'

/**
 * Makes the database that the product would have made of so many calls, by the product's own writers, but a day in a
 * transaction that no power loss can be survived by. `tell` hears how many calls are in it.
 */
export async function seed(path: string, count: number, tell: (done: number) => void = () => {}): Promise<void> {
  const made = openLocalStore(path)
  made.close()
  const database = openForWriting(path)
  try {
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000')
    const insert = recordWriter(database)
    const rollups = rollupWriter(database, made.instance)
    const totals = totalsWriter(database)
    const add = counter(database)
    const factsOfRecord = gapsEncodedOnce()
    const hours = hoursOfCalls(count)
    let done = 0
    const day = (): boolean => {
      const before = done
      for (let hour = 0; hour < 24; hour++) {
        const records = hours.next()
        if (records.done) return false
        for (const record of records.value) {
          const facts = factsOfRecord(record)
          if (!insert(record, facts)) throw new Error(`${record.telemetry._id} is there already`)
          rollups.add(facts)
          totals.add(facts)
          done++
        }
      }
      rollups.flush()
      totals.flush()
      if (done > before) add('records', done - before)
      return true
    }
    while (inTransaction(database, 'BEGIN IMMEDIATE', day)) {
      tell(done)
      await turn() // a signal is heard
    }
    database.exec('PRAGMA journal_mode = WAL')
  } finally {
    database.close()
  }
}

/** `factsOf`, that makes a histogram once of a list of gaps that many calls have. */
function gapsEncodedOnce(): typeof factsOf {
  const known = new Map<readonly number[], Uint8Array>()
  return (record) => {
    const gaps = known.get(record.gapsMs)
    if (gaps !== undefined) return factsOf({ ...record, gaps })
    const facts = factsOf(record)
    if (record.gapsMs.length > 0) known.set(record.gapsMs, facts.gaps)
    return facts
  }
}

/** The same calls as the recorder hands them to the store: 500 in a batch. */
export function commit(path: string, count: number): void {
  const local = openLocalStore(path)
  try {
    let records: StoredRecord[] = []
    const write = (): void => {
      local.commit({ ...emptyBatch, records })
      records = []
    }
    for (const hour of hoursOfCalls(count)) {
      for (const record of hour) if (records.push(record) === 500) write()
    }
    write()
    local.checkpoint()
  } finally {
    local.close()
  }
}
