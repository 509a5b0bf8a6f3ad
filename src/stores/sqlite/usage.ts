import type { DatabaseSync } from 'node:sqlite'
import { levelsFor, timeUnit } from '../rollups/plan.ts'
import { addCall, emptySums, mergeEncodedSums, mergeSums, type Sums, usageSums } from '../rollups/sums.ts'
import { type TimeUnit, type Zone, zoneOf } from '../rollups/zone.ts'
import {
  Unanswerable,
  type UsageAnswer,
  type UsageGroup,
  type UsageQuery,
  type UsageRow,
  usageGroups,
} from '../store.ts'
import { bytesOf, factsFrom } from './record-rows.ts'
import { plan, type Row, recordLimit, recordsIn, rollupsIn } from './usage-rows.ts'

const defaultGroups = 1000

/** Grouped sums: from rollups, and from the records at edges that no rollup row fits. */
export function usage(database: DatabaseSync, project: string | null, query: UsageQuery): UsageAnswer {
  for (const name of query.groupBy) {
    if (!usageGroups.includes(name)) throw new Unanswerable('group_by', `group_by=${name}: no such grouping`)
  }
  const zone = zoneFor(query)
  const groups = new Groups(query, zone)
  let read = 0
  for (const span of plan(database, project, query, zone)) {
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
  return groups.answer(Math.max(1, query.limit ?? defaultGroups))
}

/** Sums by the values of the grouping. */
class Groups {
  readonly #names: readonly UsageGroup[]
  readonly #unit: TimeUnit | null
  readonly #zone: Zone
  readonly #found = new Map<string, { group: UsageRow['group']; time: number; sums: Sums }>()

  constructor(query: UsageQuery, zone: Zone) {
    this.#names = query.groupBy
    this.#unit = timeUnit(query)
    this.#zone = zone
  }

  sumsOf(row: Row, atMs: number): Sums {
    let place = ''
    for (const name of this.#names) {
      const value = name === 'hour' || name === 'day' ? `${this.#zone.place(name, atMs)}` : `${row[name] ?? ''}`
      place += `${value.length}:${value}`
    }
    let found = this.#found.get(place)
    if (found === undefined) {
      const time = this.#unit === null ? 0 : this.#zone.place(this.#unit, atMs)
      found = { group: this.#group(row, atMs), time, sums: emptySums() }
      this.#found.set(place, found)
    }
    return found.sums
  }

  /** By time where time is one of the groups, else the largest first. */
  answer(limit: number): UsageAnswer {
    const totals = emptySums()
    const rows = [...this.#found.values()].sort(
      (one, other) => one.time - other.time || other.sums.counts.requests - one.sums.counts.requests,
    )
    for (const { sums } of rows) mergeSums(totals, sums)
    const kept = this.#unit === null ? rows.slice(0, limit) : rows.slice(-limit) // the largest groups, the newest hours
    const shown = this.#names.length === 0 ? [] : kept
    return {
      groups: shown.map(({ group, sums }) => ({ group, ...usageSums(sums) })),
      totals: usageSums(totals),
      truncated: this.#names.length > 0 && rows.length > limit,
    }
  }

  #group(row: Row, atMs: number): UsageRow['group'] {
    const group: Partial<Record<UsageGroup, string | null>> = {}
    for (const name of this.#names) {
      const value = row[name]
      if (name === 'hour' || name === 'day') group[name] = this.#zone.label(name, atMs)
      else group[name] = value === null || value === undefined || value === '' ? null : String(value)
    }
    return group
  }
}

function zoneFor({ timeZone }: UsageQuery): Zone {
  try {
    return zoneOf(timeZone ?? 'UTC')
  } catch (cause) {
    if (cause instanceof RangeError) throw new Unanswerable('tz', `tz=${timeZone}: no such time zone`)
    throw cause
  }
}

function tooMany(query: UsageQuery): Unanswerable {
  const more = `more than ${recordLimit} calls would have to be added up one by one`
  if (levelsFor(query) === null)
    return new Unanswerable('user', `user with key, provider or outcome: ${more}; give a shorter time`)
  if (query.user !== undefined || query.groupBy.includes('user'))
    return new Unanswerable('from', `by user: ${more}; give whole UTC days, or a shorter time`)
  if (query.timeZone !== undefined && timeUnit(query) !== null)
    return new Unanswerable('tz', `tz=${query.timeZone}: ${more}; give a shorter time, or a zone of whole hours`)
  return new Unanswerable('from', `from and to cut through an hour: ${more}; give whole hours`)
}
