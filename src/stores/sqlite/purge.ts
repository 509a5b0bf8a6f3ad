import type { DatabaseSync } from 'node:sqlite'
import { isPurged, type Purge, type PurgeCounts, type PurgeWish } from '../../records/purge.ts'
import type { TelemetryRecord } from '../../records/telemetry.ts'
import { purgedLevels } from '../rollups/levels.ts'
import { inTransaction } from './database.ts'
import { eraser } from './erase.ts'
import { type PurgeWalk, purgeWalk } from './purge-records.ts'
import { csvPart, embeddedPart, purgeRows } from './purge-rows.ts'
import { type RollupWalk, rollupWalk, type WantedRollups } from './rollup-walk.ts'

/** Purges as the embedded database carries them out: it comes first, every other part when it is done. */
export interface Purges {
  /** Writes the purge down, for all parts. What follows is done even if the process dies. */
  ask(wish: PurgeWish, nowMs: number): Purge
  /** Whether a call that is only now stored began before a purge that is about it. */
  isPurged(call: TelemetryRecord): boolean
  /** Does some of what waits, in a transaction of a few milliseconds. */
  step(nowMs: number, budgetMs?: number): PurgeStep
  /** Forgets purges that were carried out everywhere before this, and dry ones that were asked for before that. */
  forget(beforeMs: number, dryBeforeMs: number): number
}

/** `idle`: nothing waits. `more`: something was done. `purged`: the last of a purge was done. */
export type PurgeStep = 'idle' | 'more' | 'purged'

export interface PurgeOptions {
  database: DatabaseSync
  /** Names of sinks that are delivered to, also those that have not begun yet. */
  sinks: readonly string[]
  /** Rows of the rollups and the totals are no longer what they were. */
  rollupsChanged(): void
}

export function openPurges({ database, sinks, rollupsChanged }: PurgeOptions): Purges {
  const rows = purgeRows(database)
  const newest = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'telemetry'")
  const known = database.prepare('SELECT name FROM sinks')
  const written = database.prepare("SELECT 1 FROM meta WHERE name = 'csv_fallback'")
  const removeTotals = database.prepare('DELETE FROM totals WHERE project = ?')
  const countTotals = database.prepare('SELECT count(*) AS rows FROM totals WHERE project = ?')
  let real = rows.real()
  let latestMs = latest(real)
  let work: { number: number; records: PurgeWalk; rollups: RollupWalk } | null = null

  const parts = (): readonly string[] => {
    const names = new Set([...sinks, ...known.all().map(({ name }) => String(name))])
    const hasCsv = names.size > 0 || written.get() !== undefined
    return [embeddedPart, ...names, ...(hasCsv ? [csvPart] : [])]
  }

  /** Rows that calls of after the purge are still added to go at once, and so do sums that have no time. */
  const begin = (purge: Purge): PurgeCounts => {
    const { project, user, beforeMs, dry } = purge
    if (beforeMs !== null) return {}
    const walk = rollupWalk(database, wantedBy(purge, purge.boundMs, Number.MAX_SAFE_INTEGER), dry ? 'count' : 'delete')
    const rollups = walk.step(Number.POSITIVE_INFINITY)
    if (project === null || user !== null) return { rollups }
    const totals = dry ? Number(countTotals.get(project)?.rows) : Number(removeTotals.run(project).changes)
    return { rollups, totals }
  }

  const some = (purge: Purge, nowMs: number, budgetMs: number): boolean => {
    if (work?.number !== purge.number)
      work = {
        number: purge.number,
        records: purgeWalk(database, purge, eraser(database)),
        rollups: rollupWalk(database, wantedBy(purge, 0, purge.boundMs), purge.dry ? 'count' : 'delete'),
      }
    const { records, rollups } = work
    const untilMs = performance.now() + budgetMs
    let counts: PurgeCounts
    if (!records.isDone()) {
      const { record, bodies, quarantined, pending } = records.step(untilMs)
      counts = { records: record, bodies, quarantined, pending }
    } else {
      counts = { rollups: rollups.step(untilMs) }
      if (!purge.dry) rollupsChanged()
    }
    const isDone = records.isDone() && rollups.isDone()
    rows.count(purge.number, embeddedPart, counts, isDone ? nowMs : null)
    return isDone
  }

  /** What is deleted is overwritten with zeros. */
  const overwriting = <T>(sync: 'NORMAL' | 'FULL', work: () => T): T => {
    database.exec(`PRAGMA secure_delete = ON; PRAGMA synchronous = ${sync}`)
    try {
      return inTransaction(database, 'BEGIN IMMEDIATE', work)
    } finally {
      database.exec('PRAGMA secure_delete = OFF; PRAGMA synchronous = NORMAL')
    }
  }

  return {
    ask({ project, user, beforeMs, dry }, nowMs) {
      const purge = overwriting('FULL', () => {
        const place = Number(newest.get()?.seq ?? 0)
        const boundMs = Math.min(beforeMs ?? nowMs, nowMs)
        const asked = rows.add({ project, user, beforeMs, boundMs, askedMs: nowMs, dry, place }, parts())
        rows.count(asked.number, embeddedPart, begin(asked), null)
        return asked
      })
      if (!dry) rollupsChanged()
      real = rows.real()
      latestMs = latest(real)
      return purge
    },
    isPurged: (call) => call.timestamp_ms < latestMs && real.some((purge) => isPurged(call, purge)),
    step(nowMs, budgetMs = stepMs) {
      const purge = rows.waiting(embeddedPart)
      if (purge === null) return 'idle'
      try {
        return overwriting('NORMAL', () => some(purge, nowMs, budgetMs)) ? 'purged' : 'more'
      } catch (error) {
        work = null // what was rolled back is looked for again
        throw error
      }
    },
    forget(beforeMs, dryBeforeMs) {
      const forgotten = overwriting('NORMAL', () => rows.forget(beforeMs, dryBeforeMs))
      real = rows.real()
      latestMs = latest(real)
      return forgotten
    },
  }
}

const wantedBy = (purge: Purge, endsAfterMs: number, endsByMs: number): WantedRollups => ({
  levels: purgedLevels(purge),
  project: purge.project,
  owner: purge.user,
  endsAfterMs,
  endsByMs,
})

const latest = (purges: readonly Purge[]): number =>
  Math.max(Number.NEGATIVE_INFINITY, ...purges.map(({ boundMs }) => boundMs))

const stepMs = 4
