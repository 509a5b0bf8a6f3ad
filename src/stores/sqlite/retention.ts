import type { DatabaseSync } from 'node:sqlite'
import type { DiaryCollection } from '../../records/diary-entry.ts'
import { levelNames } from '../rollups/levels.ts'
import { type Aging, bodiesAging, recordsAging, wordsAging } from './aging.ts'
import { counter, type RetentionCount, retentionCounts } from './counter.ts'
import { inTransaction } from './database.ts'
import { rollupWalk } from './rollup-walk.ts'
import { type Taken, taken } from './taken.ts'

/** Days that things are kept; 0: for ever. */
export interface RetentionDays {
  /** Raw bytes of requests and answers. */
  bodies: number
  /** What was said. */
  words: number
  /** Calls, and whatever is left of them. */
  records: number
  rollups: number
  connectionLogs: number
  metrics: number
}

/** Deletes what is older than it is to be, in passes. */
export interface Retention {
  /** A pass over all that is old at this moment; one that was going on is given up. */
  begin(days: RetentionDays, nowMs: number): void
  /** Some of the pass, in a transaction of a few milliseconds; false: there is no more. */
  step(): boolean
  /** What the pass has taken so far. */
  counts(): Readonly<Record<RetentionCount, number>>
}

export interface RetentionOptions {
  database: DatabaseSync
  /** Names of sinks that records are delivered to: what they have not taken stays. */
  sinks: readonly string[]
  /** Rows of the rollups are gone. */
  rollupsChanged(): void
}

interface Stage {
  what: RetentionCount
  aging: Pick<Aging, 'step' | 'isDone'>
}

export function openRetention({ database, sinks, rollupsChanged }: RetentionOptions): Retention {
  const count = counter(database)
  const known = taken(database, sinks)
  let stages: Stage[] = []
  let found = nothing()

  const stagesOf = (days: RetentionDays, nowMs: number): Stage[] => {
    const before = (kept: number): number => nowMs - kept * dayMs
    const stage = (what: RetentionCount, kept: number, aging: (beforeMs: number) => Stage['aging']): Stage[] =>
      kept === 0 ? [] : [{ what, aging: aging(before(kept)) }]
    const rollups = (endsByMs: number) => {
      const wanted = { levels: levelNames, project: null, owner: null, endsAfterMs: 0, endsByMs }
      return rollupWalk(database, wanted, 'delete')
    }
    return [
      // the oldest first, so that nothing is taken from a record which then goes whole
      ...stage('records', days.records, (beforeMs) => recordsAging(database, beforeMs, known)),
      ...stage('words', days.words, (beforeMs) => wordsAging(database, beforeMs, known)),
      ...stage('bodies', days.bodies, (beforeMs) => bodiesAging(database, beforeMs, known)),
      ...stage('rollups', days.rollups, rollups),
      ...stage('connection_logs', days.connectionLogs, (beforeMs) =>
        diaryAging(database, 'connection_logs', beforeMs, known),
      ),
      ...stage('metrics', days.metrics, (beforeMs) => diaryAging(database, 'metrics', beforeMs, known)),
    ]
  }

  return {
    begin(days, nowMs) {
      stages = stagesOf(days, nowMs)
      found = nothing()
    },
    step() {
      const [stage] = stages
      if (stage === undefined) return false
      const { what, aging } = stage
      try {
        const gone = inTransaction(database, 'BEGIN IMMEDIATE', () => {
          const gone = aging.step(performance.now() + stepMs)
          if (gone > 0) count(`retention_${what}`, gone)
          return gone
        })
        if (what === 'rollups' && gone > 0) rollupsChanged()
        found[what] += gone
      } catch (error) {
        stages = [] // what was rolled back is looked for in the next pass
        throw error
      }
      if (aging.isDone()) stages.shift()
      return true
    },
    counts: () => found,
  }
}

const nothing = () => Object.fromEntries(retentionCounts.map((what) => [what, 0])) as Record<RetentionCount, number>

/** Tables of few and short rows. What a sink refused is here alone, and stays. */
function diaryAging(
  database: DatabaseSync,
  table: DiaryCollection,
  beforeMs: number,
  known: Pick<Taken, 'diaryPlace'>,
): Stage['aging'] {
  const remove = database.prepare(
    `DELETE FROM ${table} WHERE place IN (
       SELECT place FROM ${table} WHERE timestamp_ms < ? AND place <= ?
       AND place NOT IN (SELECT place FROM diary_quarantine WHERE collection = '${table}') ORDER BY place LIMIT 200)`,
  )
  let isDone = false
  return {
    isDone: () => isDone,
    step() {
      const gone = Number(remove.run(beforeMs, known.diaryPlace(table)).changes)
      isDone = gone === 0
      return gone
    },
  }
}

const dayMs = 86_400_000
const stepMs = 4
