import type { DatabaseSync } from 'node:sqlite'
import { newId } from '../../lib/id.ts'
import { type LocalBatch, type LocalStore, StoreDamaged } from '../../pipeline/local-store.ts'
import { factsOf } from '../rollups/facts.ts'
import { countedAnswers } from './counted-answers.ts'
import { counter } from './counter.ts'
import { inTransaction, openForWriting } from './database.ts'
import { journalRows } from './journal-rows.ts'
import { openPurges, type Purges } from './purge.ts'
import { recordWriter } from './record-rows.ts'
import { openRetention, type Retention } from './retention.ts'
import { rollupWriter } from './rollup-rows.ts'
import { openSpace, type Space } from './space.ts'
import { totalsWriter } from './total-rows.ts'
import { troubleOf } from './trouble.ts'

/** The store with what keeps it tidy, and in one thread: rows that the recorder has in mind must not change behind its back. */
export interface EmbeddedStore extends LocalStore {
  readonly purges: Purges
  readonly retention: Retention
  readonly space: Space
}

export interface EmbeddedOptions {
  /** Names of the sinks that records are delivered to. */
  sinks?: readonly string[]
  /** Called between two records of a batch: it may hold the thread for a moment, to let others work. */
  pause?: () => void
}

/** The embedded database as its one writer sees it: records, rollups and the journal's position move together. */
export function openLocalStore(path: string, { sinks = [], pause }: EmbeddedOptions = {}): EmbeddedStore {
  const database = openForWriting(path)
  const instance = instanceOf(database)
  const insert = recordWriter(database)
  const rollups = rollupWriter(database, instance)
  const totals = totalsWriter(database)
  const journal = journalRows(database)
  const once = countedAnswers(database)
  const count = counter(database)
  const counted = database.prepare("SELECT value FROM counters WHERE name = 'records'")
  const touch = database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('checkpoint', ?)")
  let checkpoints = 0
  const forgetSums = (): void => {
    rollups.forget()
    totals.forget()
  }
  const purges = openPurges({ database, sinks, rollupsChanged: forgetSums })

  const write = (batch: LocalBatch): void => {
    let fresh = 0
    for (const given of batch.records) {
      pause?.()
      const record = once(given)
      const facts = factsOf(record)
      if (!insert(record, facts)) continue
      rollups.add(facts)
      totals.add(facts)
      fresh++
    }
    pause?.()
    rollups.flush()
    totals.flush()
    if (fresh > 0) count('records', fresh)
    journal.apply(batch)
  }

  return {
    instance,
    purges,
    retention: openRetention({ database, sinks, rollupsChanged: rollups.forget }),
    space: openSpace({ database, sinks }),
    isPurged: purges.isPurged,
    journalState: () => undamaged(path, journal.state),
    carried: (epoch) => undamaged(path, () => journal.carried(epoch)),
    carriedFrame: (rowId) => undamaged(path, () => journal.carriedFrame(rowId)),
    commit: (batch) =>
      undamaged(path, () => {
        try {
          inTransaction(database, 'BEGIN IMMEDIATE', () => write(batch))
        } catch (error) {
          forgetSums()
          throw error
        }
      }),
    checkpoint: () =>
      undamaged(path, () => {
        database.exec('PRAGMA synchronous = FULL; PRAGMA busy_timeout = 250')
        try {
          touch.run(`${++checkpoints}`) // a commit under FULL syncs the whole log, whether or not a reader stops the checkpoint
          database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
        } finally {
          database.exec('PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000')
        }
      }),
    counters: () =>
      undamaged(path, () => {
        const records = Number(counted.get()?.value ?? 0)
        return { telemetry: records, runs: records }
      }),
    close() {
      database.close()
    },
  }
}

/** What the work gives, or an error that says that the file itself is what fails. */
function undamaged<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (troubleOf(error) !== 'damaged') throw error
    throw new StoreDamaged(`${path} is damaged: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** This data directory's own id: made with the file, kept for ever. */
function instanceOf(database: DatabaseSync): string {
  database
    .prepare("INSERT INTO meta (name, value) VALUES ('instance', ?) ON CONFLICT DO NOTHING")
    .run(newId(Date.now()))
  return String(database.prepare("SELECT value FROM meta WHERE name = 'instance'").get()?.value)
}
