import type { DatabaseSync } from 'node:sqlite'
import type { CallFacts } from '../rollups/facts.ts'
import { type CallNames, hourMs, levels, type RollupKey, rollupRows } from '../rollups/levels.ts'
import { type SummedRow, summedRows } from './summed-rows.ts'

/** Keeps the rollups as `SummedRows` does: `flush` writes, and after a failed transaction `forget` must be called. */
export interface RollupWriter {
  add(facts: CallFacts): void
  flush(): void
  forget(): void
}

export function rollupWriter(database: DatabaseSync, instance: string): RollupWriter {
  const rows = summedRows(database, 'rollups', keyColumns)
  /** Rows of the calls that came since the last flush: many have the same names. */
  const recent = new Map<string, readonly SummedRow[]>()
  return {
    add(facts) {
      const names = sharedNames(facts)
      let found = recent.get(names)
      if (found === undefined) {
        found = rollupRows(facts, instance).map((key) => rows.row(keyValues(key)))
        recent.set(names, found)
      }
      for (const row of found) rows.add(row, facts)
    },
    flush() {
      rows.flush()
      recent.clear()
    },
    forget() {
      rows.forget()
      recent.clear()
    },
  }
}

/** The same for calls that are counted in the same rows. */
const sharedNames = ({ timestampMs, project, key, user, provider, model, outcome, modelCall }: CallNames): string =>
  `${Math.floor(timestampMs / hourMs)}\0${project}\0${key ?? ''}\0${user ?? ''}\0${provider}\0${model ?? ''}\0${outcome}\0${modelCall}`

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
