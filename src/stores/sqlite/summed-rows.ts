import type { DatabaseSync } from 'node:sqlite'
import type { CallFacts } from '../rollups/facts.ts'
import { addCall, emptySums, encodeSums, mergeEncodedSums, type Sums } from '../rollups/sums.ts'
import { bytesOf } from './record-rows.ts'

/**
 * Rows of a table that hold sums: calls are added to rows held in memory, `flush` writes the changed ones. What memory holds
 * is the database's truth only after the transaction around it ended well; after a failed one `forget` must be called.
 */
export interface SummedRows {
  /** The row there, to add calls to until the next `flush` or `forget`. */
  row(place: RowPlace): SummedRow
  add(row: SummedRow, facts: CallFacts): void
  flush(): void
  forget(): void
}

/** Values of the key columns, in their order. */
export type RowPlace = readonly (string | number)[]

export interface SummedRow {
  readonly place: RowPlace
  readonly sums: Sums
  /** It does not stand in the table yet. */
  isNew: boolean
}

const hotRows = 4000

/** `table` has the key columns, then `requests` and `sums`. */
export function summedRows(database: DatabaseSync, table: string, keyColumns: readonly string[]): SummedRows {
  const places = keyColumns.map((name) => `${name} = ?`).join(' AND ')
  const find = database.prepare(`SELECT sums FROM ${table} WHERE ${places}`)
  const columns = [...keyColumns, 'requests', 'sums']
  const write = database.prepare(
    `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  const rows = new Map<string, SummedRow>()
  const changed = new Set<SummedRow>()

  return {
    row(place) {
      const name = place.join('\0')
      let row = rows.get(name)
      if (row === undefined) {
        const sums = emptySums()
        const found = find.get(...place)
        if (found !== undefined) mergeEncodedSums(sums, bytesOf(found.sums))
        row = { place, sums, isNew: found === undefined }
      } else rows.delete(name)
      rows.set(name, row)
      return row
    },
    add(row, facts) {
      addCall(row.sums, facts)
      changed.add(row)
    },
    flush() {
      for (const row of changed) {
        write.run(...row.place, row.sums.counts.requests, encodeSums(row.sums))
        row.isNew = false
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
