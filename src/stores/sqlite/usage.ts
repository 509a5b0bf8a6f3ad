import type { DatabaseSync } from 'node:sqlite'
import { Groups, recordLimit, tooMany } from '../rollups/groups.ts'
import { addCall, mergeEncodedSums } from '../rollups/sums.ts'
import type { UsageAnswer, UsageQuery } from '../store.ts'
import { bytesOf, factsFrom } from './record-rows.ts'
import { plan, recordsIn, rollupsIn } from './usage-rows.ts'

/** Grouped sums: from rollups, and from the records at edges that no rollup row fits. */
export function usage(database: DatabaseSync, project: string | null, query: UsageQuery): UsageAnswer {
  const groups = new Groups(query)
  let read = 0
  for (const span of plan(database, project, query, groups.zone)) {
    if (span.source === 'records') {
      for (const row of recordsIn(database, project, query, span)) {
        if (++read > recordLimit) throw tooMany(query)
        const facts = factsFrom(row)
        addCall(groups.sumsOf(row, facts.timestampMs), facts)
      }
    } else {
      for (const row of rollupsIn(database, project, query, span, span.source))
        mergeEncodedSums(groups.sumsOf(row, Number(row.start_ms)), bytesOf(row.sums))
    }
  }
  return groups.answer()
}
