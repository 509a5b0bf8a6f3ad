import type { DatabaseSync } from 'node:sqlite'
import type { CallFacts } from '../rollups/facts.ts'
import { addCall, emptySums, encodeSums, mergeEncodedSums, type Sums } from '../rollups/sums.ts'
import { bytesOf } from './record-rows.ts'

/**
 * Rows of a table that hold sums: calls are added to rows held in memory, `flush` writes the changed ones. What memory holds
 * is the database's truth only after the transaction around it ended well; after a failed one `forget` must be called.
 */
export interface SummedRows {
  /** True: the row is new. */
  add(place: RowPlace, facts: CallFacts): boolean
  flush(): void
  forget(): void
}

/** Values of the key columns, in their order. */
export type RowPlace = readonly (string | number)[]

const hotRows = 4000

/** `table` has the key columns, then `requests` and `sums`. */
export function summedRows(database: DatabaseSync, table: string, keyColumns: readonly string[]): SummedRows {
  const places = keyColumns.map((name) => `${name} = ?`).join(' AND ')
  const find = database.prepare(`SELECT sums FROM ${table} WHERE ${places}`)
  const columns = [...keyColumns, 'requests', 'sums']
  const write = database.prepare(
    `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  const rows = new Map<string, { place: RowPlace; sums: Sums }>()
  const changed = new Set<string>()

  return {
    add(place, facts) {
      const name = place.join('\0')
      let row = rows.get(name)
      let fresh = false
      if (row === undefined) {
        const sums = emptySums()
        const found = find.get(...place)
        if (found === undefined) fresh = true
        else mergeEncodedSums(sums, bytesOf(found.sums))
        row = { place, sums }
        rows.set(name, row)
      } else if (!changed.has(name)) {
        rows.delete(name)
        rows.set(name, row)
      }
      addCall(row.sums, facts)
      changed.add(name)
      return fresh
    },
    flush() {
      for (const name of changed) {
        const row = rows.get(name)
        if (row !== undefined) write.run(...row.place, row.sums.counts.requests, encodeSums(row.sums))
      }
      changed.clear()
      for (const name of rows.keys()) {
        if (rows.size <= hotRows) break
        rows.delete(name)
      }
    },
    forget() {
      rows.clear()
      changed.clear()
    },
  }
}
