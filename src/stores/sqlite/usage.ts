import type { DatabaseSync } from 'node:sqlite'
import { Groups, recordLimit, tooMany } from '../rollups/groups.ts'
import { timeUnit } from '../rollups/plan.ts'
import { addCall, mergeEncodedSums, type Sums } from '../rollups/sums.ts'
import type { UsageAnswer, UsageQuery } from '../store.ts'
import { factsFrom } from './record-rows.ts'
import { namesIn, plan, recordsIn, rollupReader, type SeeRollup } from './usage-rows.ts'

/** Grouped sums: from rollups, and from the records at edges that no rollup row fits. */
export function usageReader(database: DatabaseSync): (project: string | null, query: UsageQuery) => UsageAnswer {
  const readRollups = rollupReader(database)
  return (project, query) => {
    const groups = new Groups(query)
    const addRollup = rollupsInto(groups, query)
    let read = 0
    for (const span of plan(database, project, query, groups.zone)) {
      if (span.source !== 'records') readRollups(project, query, span, span.source, addRollup)
      else {
        for (const row of recordsIn(database, project, query, span)) {
          if (++read > recordLimit) throw tooMany(query)
          const facts = factsFrom(row)
          addCall(groups.sumsOf(row, facts.timestampMs), facts)
        }
      }
    }
    return groups.answer()
  }
}

/** Adds rows to their groups. The group of the same names is looked for once, where time is a group once for each time. */
function rollupsInto(groups: Groups, query: UsageQuery): SeeRollup {
  const names = namesIn(query)
  const isTimed = timeUnit(query) !== null
  const known = new Map<string, Sums>()
  return (namesText, startMs, bytes) => {
    const place = isTimed ? `${startMs}${namesText}` : namesText
    let sums = known.get(place)
    if (sums === undefined) {
      const values: readonly unknown[] = JSON.parse(namesText)
      sums = groups.sumsOf(Object.fromEntries(names.map((name, at) => [name, values[at]])), startMs)
      known.set(place, sums)
    }
    mergeEncodedSums(sums, bytes)
  }
}
