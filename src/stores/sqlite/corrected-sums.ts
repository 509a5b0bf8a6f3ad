import type { DatabaseSync } from 'node:sqlite'
import type { CallFacts } from '../rollups/facts.ts'
import { rollupRows } from '../rollups/levels.ts'
import { emptySums, encodeSums, mergeEncodedSums } from '../rollups/sums.ts'
import { bytesOf } from './record-rows.ts'
import { keyColumns, keyValues } from './rollup-rows.ts'
import { totalColumns } from './total-rows.ts'

/** What the cost of calls changes in sums. */
interface Difference {
  picodollars: bigint
  unpriced: number
}

type Place = readonly (string | number)[]

/** Sums of rollups and totals, corrected for calls that cost something else than they were counted with. */
export interface CorrectedSums {
  /** The same call before and after. */
  add(before: CallFacts, after: CallFacts): void
  /** Inside the transaction that changes the calls. Returns in how many rows a sum was no longer held as it was counted. */
  flush(): number
}

export function correctedSums(database: DatabaseSync, instance: string): CorrectedSums {
  const rollups = rowsOf(database, 'rollups', keyColumns)
  const totals = rowsOf(database, 'totals', totalColumns)
  const changes = { rollups: new Changes(), totals: new Changes() }

  /** A name with few calls may be counted as the rest of its provider (`totalsWriter`), its first calls there. */
  const correctTotal = (place: Place, difference: Difference): boolean => {
    const left = totals.correct(place, difference)
    if (left === null) return true
    const [, provider, , outcome, modelCall] = place
    return totals.correct(['', provider!, '', outcome!, modelCall!], left) === null
  }

  return {
    add(before, after) {
      const difference = {
        picodollars: (after.picodollars ?? 0n) - (before.picodollars ?? 0n),
        unpriced: Number(after.unpriced) - Number(before.unpriced),
      }
      if (difference.picodollars === 0n && difference.unpriced === 0) return
      for (const key of rollupRows(before, instance)) changes.rollups.add(keyValues(key), difference)
      const { project, provider, model, outcome, modelCall } = before
      changes.totals.add([project, provider, model ?? '', outcome, Number(modelCall)], difference)
    },
    flush() {
      let lost = 0
      for (const [place, difference] of changes.rollups.taken()) if (rollups.correct(place, difference) !== null) lost++
      for (const [place, difference] of changes.totals.taken()) if (!correctTotal(place, difference)) lost++
      return lost
    },
  }
}

/** Differences by row, so that each row is read and written once. */
class Changes {
  #rows = new Map<string, [Place, Difference]>()

  add(place: Place, { picodollars, unpriced }: Difference): void {
    const name = place.join('\0')
    const known = this.#rows.get(name)
    if (known === undefined) this.#rows.set(name, [place, { picodollars, unpriced }])
    else {
      known[1].picodollars += picodollars
      known[1].unpriced += unpriced
    }
  }

  taken(): Iterable<[Place, Difference]> {
    const rows = this.#rows
    this.#rows = new Map()
    return rows.values()
  }
}

/** `correct` returns what a row could not take, since it is gone or holds less; null: it took all of it. */
function rowsOf(database: DatabaseSync, table: 'rollups' | 'totals', columns: readonly string[]) {
  const place = columns.map((name) => `${name} = ?`).join(' AND ')
  const find = database.prepare(`SELECT sums FROM ${table} WHERE ${place}`)
  const write = database.prepare(`UPDATE ${table} SET sums = ? WHERE ${place}`)
  return {
    correct(values: Place, { picodollars, unpriced }: Difference): Difference | null {
      const row = find.get(...values)
      if (row === undefined) return { picodollars, unpriced }
      const sums = emptySums()
      mergeEncodedSums(sums, bytesOf(row.sums))
      const money = sums.picodollars + picodollars
      const count = sums.counts.unpriced + unpriced
      sums.picodollars = money < 0n ? 0n : money
      sums.counts.unpriced = Math.max(0, count)
      write.run(encodeSums(sums), ...values)
      return money < 0n || count < 0 ? { picodollars: money < 0n ? money : 0n, unpriced: Math.min(0, count) } : null
    },
  }
}
