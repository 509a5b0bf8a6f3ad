import type { DatabaseSync } from 'node:sqlite'

/** Adds to a count of this data directory. `records`: all that were ever stored. `erased`: those that are gone again. */
export function counter(database: DatabaseSync): (name: CounterName, more: number) => void {
  const add = database.prepare(
    'INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2',
  )
  return (name, more) => {
    add.run(name, more)
  }
}

/** What retention took, by age and by size. */
export const retentionCounts = ['bodies', 'words', 'records', 'rollups', 'connection_logs', 'metrics'] as const
export type RetentionCount = (typeof retentionCounts)[number]

/** What the size limit took. */
export const limitCounts = ['bodies', 'records'] as const
export type LimitCount = (typeof limitCounts)[number]

export type CounterName = 'records' | 'erased' | `retention_${RetentionCount}` | `limit_${LimitCount}`

/** Read in one snapshot with whatever else is read in the same transaction. */
export function counted(database: DatabaseSync, name: CounterName): number {
  return Number(database.prepare('SELECT value FROM counters WHERE name = ?').get(name)?.value ?? 0)
}
