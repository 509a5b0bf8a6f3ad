import type { StoredRecord } from '../records/stored.ts'
import type { Assembler, Tracked } from './assemble.ts'
import { nothing } from './assemble.ts'
import type { LocalStore } from './local-store.ts'

/** A finished exchange with what is to be kept of it. */
export interface Ready {
  tracked: Tracked
  /** Null: given up, only its place moves on. */
  record: StoredRecord | null
  id: string
  raw: boolean
}

export interface CommitParts {
  store: LocalStore
  /** A plainer record of an exchange whose record the database refuses; at last none, its frames put aside. */
  plainer(ready: Ready, error: unknown): Promise<Ready>
  /** Waits before another attempt; throws when there is to be none. */
  again(attempt: number, error: unknown): Promise<void>
  /** They are in the database, or given up; the purged ones are gone. */
  stored(ready: readonly Ready[], purged: readonly Ready[]): void
}

/**
 * Commits finished exchanges with the place that reading is safe of. While the database is away it waits. When the database
 * takes other writes and refuses the same record again and again, that record is made plainer, and at last put aside.
 */
export async function commitReady(assembler: Assembler, ready: readonly Ready[], parts: CommitParts): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const change = assembler.change(ready)
    const [purged, kept] = split(ready, ({ record }) => record !== null && parts.store.isPurged(record.telemetry))
    const records = kept.map(({ record }) => record).filter((record) => record !== null)
    try {
      parts.store.commit({ ...nothing, ...change.batch, records })
      change.done()
      parts.stored(kept, purged)
      return
    } catch (error) {
      if (attempt >= refusals && records.length > 0 && !isAway(error) && takesOthers(assembler, parts.store)) {
        await commitApart(assembler, ready, parts, error)
        return
      }
      await parts.again(attempt, error)
    }
  }
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [first: T[], second: T[]] {
  const { first = [], second = [] } = Object.groupBy(all, (one) => (isFirst(one) ? 'first' : 'second'))
  return [first, second]
}

async function commitApart(assembler: Assembler, ready: readonly Ready[], parts: CommitParts, error: unknown) {
  if (ready.length > 1) {
    const middle = Math.ceil(ready.length / 2)
    await commitReady(assembler, ready.slice(0, middle), parts)
    await commitReady(assembler, ready.slice(middle), parts)
    return
  }
  const [only] = ready
  if (only) await commitReady(assembler, [await parts.plainer(only, error)], parts)
}

/** A write without records goes through: it is not the database that is away. */
function takesOthers(assembler: Assembler, store: LocalStore): boolean {
  const change = assembler.change([])
  try {
    store.commit({ ...nothing, ...change.batch })
  } catch {
    return false // the caller waits for it, with the error of the real batch
  }
  change.done()
  return true
}

/** SQLite's own words for trouble that is no record's fault: busy, locked, no memory, read-only, I/O, full, cannot open. */
const awayCodes: ReadonlySet<number> = new Set([5, 6, 7, 8, 10, 13, 14])

function isAway(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : null
  return typeof code === 'number' && awayCodes.has(code & 0xff)
}

const refusals = 3
