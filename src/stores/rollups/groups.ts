import {
  Unanswerable,
  type UsageAnswer,
  type UsageGroup,
  type UsageQuery,
  type UsageRow,
  usageGroups,
} from '../store.ts'
import { levelsFor, timeUnit } from './plan.ts'
import { emptySums, mergeSums, type Sums, usageSums } from './sums.ts'
import { type TimeUnit, type Zone, zoneOf } from './zone.ts'

const defaultGroups = 1000

/** More calls than this are not added up one by one for one question. */
export const recordLimit = 200_000

/** Sums by the values of a query's grouping. */
export class Groups {
  readonly zone: Zone
  readonly #names: readonly UsageGroup[]
  readonly #unit: TimeUnit | null
  readonly #limit: number
  readonly #found = new Map<string, { group: UsageRow['group']; time: number; sums: Sums }>()

  /** Throws `Unanswerable` for a grouping or a time zone that does not exist. */
  constructor(query: UsageQuery) {
    for (const name of query.groupBy) {
      if (!usageGroups.includes(name)) throw new Unanswerable('group_by', `group_by=${name}: no such grouping`)
    }
    this.zone = zoneFor(query)
    this.#names = query.groupBy
    this.#unit = timeUnit(query)
    this.#limit = Math.max(1, query.limit ?? defaultGroups)
  }

  /** The sums that a row belongs to, whose fields are named after the groupings. */
  sumsOf(row: Readonly<Record<string, unknown>>, atMs: number): Sums {
    let place = ''
    for (const name of this.#names) {
      const value = name === 'hour' || name === 'day' ? `${this.zone.place(name, atMs)}` : `${row[name] ?? ''}`
      place += `${value.length}:${value}`
    }
    let found = this.#found.get(place)
    if (found === undefined) {
      const time = this.#unit === null ? 0 : this.zone.place(this.#unit, atMs)
      found = { group: this.#group(row, atMs), time, sums: emptySums() }
      this.#found.set(place, found)
    }
    return found.sums
  }

  /** By time where time is one of the groups, else the largest first. */
  answer(): UsageAnswer {
    const totals = emptySums()
    const rows = [...this.#found.values()].sort(
      (one, other) => one.time - other.time || other.sums.counts.requests - one.sums.counts.requests,
    )
    for (const { sums } of rows) mergeSums(totals, sums)
    const kept = this.#unit === null ? rows.slice(0, this.#limit) : rows.slice(-this.#limit) // the largest groups, the newest hours
    const shown = this.#names.length === 0 ? [] : kept
    return {
      groups: shown.map(({ group, sums }) => ({ group, ...usageSums(sums) })),
      totals: usageSums(totals),
      truncated: this.#names.length > 0 && rows.length > this.#limit,
    }
  }

  #group(row: Readonly<Record<string, unknown>>, atMs: number): UsageRow['group'] {
    const group: Partial<Record<UsageGroup, string | null>> = {}
    for (const name of this.#names) {
      const value = row[name]
      if (name === 'hour' || name === 'day') group[name] = this.zone.label(name, atMs)
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

/** Why a question that needs more than `recordLimit` calls one by one is not answered, and what to ask instead. */
export function tooMany(query: UsageQuery): Unanswerable {
  const more = `more than ${recordLimit} calls would have to be added up one by one`
  if (levelsFor(query) === null)
    return new Unanswerable('user', `user with key, provider or outcome: ${more}; give a shorter time`)
  if (query.user !== undefined || query.groupBy.includes('user'))
    return new Unanswerable('from', `by user: ${more}; give whole UTC days, or a shorter time`)
  if (query.timeZone !== undefined && timeUnit(query) !== null)
    return new Unanswerable('tz', `tz=${query.timeZone}: ${more}; give a shorter time, or a zone of whole hours`)
  return new Unanswerable('from', `from and to cut through an hour: ${more}; give whole hours`)
}
