import type { DatabaseSync } from 'node:sqlite'
import type { CallFacts } from '../rollups/facts.ts'
import { levels, type RollupKey, rollupRows } from '../rollups/levels.ts'
import { addCall, emptySums, encodeSums, mergeEncodedSums, type Sums } from '../rollups/sums.ts'
import { bytesOf } from './record-rows.ts'

/**
 * Keeps the rollups: calls are added to rows held in memory, `flush` writes the changed ones. What memory holds is the
 * database's truth only after the transaction around it ended well; after a failed one `forget` must be called.
 */
export interface RollupWriter {
  add(facts: CallFacts): void
  flush(): void
  forget(): void
}

const hotRows = 4000

export function rollupWriter(database: DatabaseSync, instance: string): RollupWriter {
  const places = keyColumns.map((name) => `${name} = ?`).join(' AND ')
  const find = database.prepare(`SELECT sums FROM rollups WHERE ${places}`)
  const columns = [...keyColumns, 'requests', 'sums']
  const write = database.prepare(
    `INSERT OR REPLACE INTO rollups (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  const rows = new Map<string, { key: RollupKey; sums: Sums }>()
  const changed = new Set<string>()

  return {
    add(facts) {
      for (const key of rollupRows(facts, instance)) {
        const place = keyValues(key)
        const name = place.join('\0')
        let row = rows.get(name)
        if (row === undefined) {
          const sums = emptySums()
          const found = find.get(...place)
          if (found !== undefined) mergeEncodedSums(sums, bytesOf(found.sums))
          row = { key, sums }
          rows.set(name, row)
        } else if (!changed.has(name)) {
          rows.delete(name)
          rows.set(name, row)
        }
        addCall(row.sums, facts)
        changed.add(name)
      }
    },
    flush() {
      for (const name of changed) {
        const row = rows.get(name)
        if (row !== undefined) write.run(...keyValues(row.key), row.sums.counts.requests, encodeSums(row.sums))
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

export const keyColumns = [
  'level',
  'project',
  'owner',
  'start_ms',
  'provider',
  'model',
  'outcome',
  'model_call',
  'instance',
] as const

export const keyValues = (key: RollupKey): (string | number)[] => [
  levels[key.level],
  key.project,
  key.owner,
  key.startMs,
  key.provider,
  key.model,
  key.outcome,
  Number(key.modelCall),
  key.instance,
]
