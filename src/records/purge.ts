import type { TelemetryRecord } from './telemetry.ts'

/** Which calls a purge is about: those that began before `boundMs`, of the project and of the user that are named. */
export interface PurgeScope {
  project: string | null
  user: string | null
  /** The date that was named, Unix milliseconds; null: none was. */
  beforeMs: number | null
  /** That date, or else the moment of the purge. */
  boundMs: number
}

/** A purge that was asked for: every place that records go to carries it out once, in the order of the numbers. */
export interface Purge extends PurgeScope {
  number: number
  askedMs: number
  /** Nothing is deleted, only counted. */
  dry: boolean
  /** The newest record then. Totals up to this version are older than the purge. */
  place: number
}

/** What is asked for. One of the first three at least is not null; a date is not in the future. */
export interface PurgeWish extends Pick<Purge, 'project' | 'user' | 'beforeMs' | 'dry'> {}

/** What was deleted, or would be, by what it is. */
export type PurgeCounts = Readonly<Record<string, number>>

/** Has everything in it that is named: nothing named means everything. */
export const isPurged = (
  {
    timestamp_ms,
    metadata,
  }: Pick<TelemetryRecord, 'timestamp_ms'> & {
    metadata: Pick<TelemetryRecord['metadata'], 'project_id' | 'user_id'>
  },
  { project, user, boundMs }: PurgeScope,
): boolean =>
  timestamp_ms < boundMs &&
  (project === null || metadata.project_id === project) &&
  (user === null || metadata.user_id === user)

export const addCounts = (one: PurgeCounts, other: PurgeCounts): PurgeCounts => ({
  ...one,
  ...Object.fromEntries(Object.entries(other).map(([name, count]) => [name, (one[name] ?? 0) + count])),
})
