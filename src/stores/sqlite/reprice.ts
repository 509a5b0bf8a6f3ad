import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { CostFields } from '../../records/bill.ts'
import type { RunRecord } from '../../records/llm-run.ts'
import type { TelemetryRecord } from '../../records/telemetry.ts'
import {
  type CostChange,
  type CostUpdate,
  needsRun,
  type RepriceFilter,
  type StoredCall,
  updateOf,
  withCost,
} from '../repricing.ts'
import { type CallFacts, factsOfCall } from '../rollups/facts.ts'
import { Conditions } from './conditions.ts'
import { correctedSums } from './corrected-sums.ts'
import { inTransaction, openForReading, openForWriting, StoreUnusable } from './database.ts'
import { lockDirectory } from './lock.ts'
import { factSelection, factsFrom } from './record-rows.ts'

/** The embedded database as those see it who price its calls again: only read, for a trial. */
export interface LocalCosts {
  readonly instance: string
  /** Calls of models that are stored here, oldest first, from behind a place on; the last page has `next: null`. */
  page(filter: RepriceFilter, after: number): { calls: readonly StoredCall[]; next: number | null }
  /** How many calls of models are known here whose records are not. */
  elsewhere(filter: RepriceFilter): number
  /** Those of the calls whose records are stored here. */
  held(ids: readonly string[]): ReadonlySet<string>
  close(): void
}

/** Its one writer, while no proxy works there. */
export interface LocalRepricing extends LocalCosts {
  /**
   * New costs in records and sums, all or nothing. With `redo` the changes are kept until `confirmed`, since another store has
   * to take them too. Returns how many sums did not hold what they were counted with (retention had taken them).
   */
  apply(changes: readonly CostChange[], redo: boolean): number
  /** What another store had not confirmed when an earlier run ended. */
  unconfirmed(): readonly CostUpdate[]
  confirmed(): void
}

export function readCosts(path: string): LocalCosts {
  const database = openForReading(path)
  return { ...costsOf(database), close: () => database.close() }
}

/** Throws `DirectoryLocked` while a proxy works in the directory. */
export function openRepricing(path: string): LocalRepricing {
  if (!existsSync(path)) throw new StoreUnusable(`${path} does not exist yet`)
  const lock = lockDirectory(dirname(path))
  try {
    const database = openForWriting(path)
    return repricingOf(database, () => {
      database.close()
      lock.release()
    })
  } catch (error) {
    lock.release()
    throw error
  }
}

const pageCalls = 500
const pageCharacters = 4 * 1024 * 1024

function costsOf(database: DatabaseSync): Omit<LocalCosts, 'close'> {
  const runOf = database.prepare('SELECT run FROM documents WHERE seq = ?')
  const there = database.prepare('SELECT 1 FROM telemetry JOIN documents USING (seq) WHERE id = ?')
  const pricedRun = (seq: number): RunRecord => JSON.parse(String(runOf.get(seq)?.run)) as RunRecord
  return {
    instance: String(database.prepare("SELECT value FROM meta WHERE name = 'instance'").get()?.value),
    page(filter, after) {
      const { sql, values } = conditionsOf(filter)
      const rows = database.prepare(
        `SELECT seq, documents.telemetry FROM documents JOIN telemetry USING (seq)
         WHERE seq > ? AND ${sql} ORDER BY seq LIMIT ${pageCalls}`,
      )
      const calls: StoredCall[] = []
      let [characters, last] = [0, after]
      for (const row of rows.iterate(after, ...values)) {
        const text = String(row.telemetry)
        const telemetry = JSON.parse(text) as TelemetryRecord
        last = Number(row.seq)
        calls.push({ telemetry, run: needsRun(telemetry) ? priced(pricedRun(last)) : null })
        characters += text.length
        if (characters > pageCharacters) return { calls, next: last }
      }
      return { calls, next: calls.length < pageCalls ? null : last }
    },
    elsewhere(filter) {
      const { sql, values } = conditionsOf(filter)
      const row = database
        .prepare(
          `SELECT count(*) AS calls FROM telemetry
           WHERE ${sql} AND NOT EXISTS (SELECT 1 FROM documents WHERE documents.seq = telemetry.seq)`,
        )
        .get(...values)
      return Number(row?.calls)
    },
    held: (ids) => new Set(ids.filter((id) => there.get(id) !== undefined)),
  }
}

const priced = ({ service_tier, raw_usage, bill }: RunRecord) => ({ service_tier, raw_usage, bill })

const conditionsOf = ({ project, provider, model, fromMs, toMs }: RepriceFilter): Conditions =>
  new Conditions()
    .add('model_call = 1')
    .when('project = ?', project)
    .when('provider = ?', provider)
    .when('model = ?', model)
    .when('timestamp_ms >= ?', fromMs)
    .when('timestamp_ms < ?', toMs)

function repricingOf(database: DatabaseSync, close: () => void): LocalRepricing {
  const costs = costsOf(database)
  const sums = correctedSums(database, costs.instance)
  const write = costWriter(database)
  const keep = database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('reprice', ?)")
  const kept = database.prepare("SELECT value FROM meta WHERE name = 'reprice'")
  const forget = database.prepare("DELETE FROM meta WHERE name = 'reprice'")
  // sinks take all totals again, with a version that is greater than any before (`outbox-rollups.ts`)
  const again = [
    database.prepare('UPDATE sinks SET swept = 0'),
    database.prepare("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'telemetry'"),
  ]
  return {
    ...costs,
    apply: (changes, redo) =>
      inTransaction(database, 'BEGIN IMMEDIATE', () => {
        for (const change of changes) {
          const counted = write(change)
          sums.add(counted ?? factsOfCall(change.telemetry, noGaps), factsAfter(change))
        }
        if (redo) keep.run(JSON.stringify(changes.map(updateOf)))
        for (const statement of again) statement.run()
        return sums.flush()
      }),
    unconfirmed: () => JSON.parse(String(kept.get()?.value ?? '[]')) as CostUpdate[],
    confirmed: () => void forget.run(),
    close,
  }
}

const noGaps = new Uint8Array(0)
const factsAfter = ({ telemetry, cost }: CostChange): CallFacts => factsOfCall(withCost(telemetry, cost.fields), noGaps)

/** Writes the cost of one call into its rows. Returns the call as the sums count it; null where its row is gone. */
function costWriter(database: DatabaseSync): (change: CostChange) => CallFacts | null {
  const find = database.prepare(`SELECT seq, ${factSelection} FROM telemetry WHERE id = ?`)
  const facts = database.prepare('UPDATE telemetry SET picodollars = ?, unpriced = ? WHERE seq = ?')
  const document = database.prepare('SELECT telemetry, run FROM documents WHERE seq = ?')
  const rewrite = database.prepare('UPDATE documents SET telemetry = ?, run = ? WHERE seq = ?')
  return (change) => {
    const row = find.get(change.telemetry._id)
    if (row === undefined) return null
    const seq = Number(row.seq)
    const after = factsAfter(change)
    facts.run(after.picodollars?.toString() ?? null, Number(after.unpriced), seq)
    const said = document.get(seq)
    if (said !== undefined) rewrite.run(...rewritten(said, change.cost.fields, change.cost.bill), seq)
    return factsFrom(row)
  }
}

function rewritten(
  said: Record<string, SQLOutputValue>,
  fields: CostFields,
  bill: RunRecord['bill'],
): [telemetry: string, run: string] {
  const telemetry = JSON.parse(String(said.telemetry)) as TelemetryRecord
  const run = JSON.parse(String(said.run)) as RunRecord
  return [JSON.stringify(withCost(telemetry, fields)), JSON.stringify({ ...run, cost_usd: fields.cost_usd, bill })]
}
