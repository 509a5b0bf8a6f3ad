import type { DatabaseSync } from 'node:sqlite'
import type { CallFacts } from '../rollups/facts.ts'
import { levels, type RollupKey, rollupRows } from '../rollups/levels.ts'
import { summedRows } from './summed-rows.ts'

/** Keeps the rollups as `SummedRows` does: `flush` writes, and after a failed transaction `forget` must be called. */
export interface RollupWriter {
  add(facts: CallFacts): void
  flush(): void
  forget(): void
}

export function rollupWriter(database: DatabaseSync, instance: string): RollupWriter {
  const rows = summedRows(database, 'rollups', keyColumns)
  return {
    add(facts) {
      for (const key of rollupRows(facts, instance)) rows.add(keyValues(key), facts)
    },
    flush: rows.flush,
    forget: rows.forget,
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
