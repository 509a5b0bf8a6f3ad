import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { outcomes } from '../../records/outcome.ts'
import type { RollupRow } from '../../records/rollup.ts'
import { levels, rollupRows } from '../rollups/levels.ts'
import { inTransaction } from './database.ts'
import type { DocumentRows } from './outbox-documents.ts'
import type { SinkRows } from './outbox-sinks.ts'
import type { PurgeRows } from './purge-rows.ts'
import { bytesOf, textOrNull } from './record-rows.ts'
import { keyColumns, keyValues } from './rollup-rows.ts'

interface Changed {
  row: RollupRow
  version: number
}

/** Which totals a sink has not taken: at first all of them, once its records are there, then those that new records changed. */
export interface OutboxRollups {
  changed(sink: string, limit: number): readonly Changed[]
  settle(sink: string, upTo: number): void
}

type Key = readonly (string | number)[]

export function outboxRollups(
  database: DatabaseSync,
  rows: SinkRows,
  documents: Pick<DocumentRows, 'count'>,
  purges: Pick<PurgeRows, 'heldAt'>,
  instance: string,
): OutboxRollups {
  const columns = [...keyColumns, 'requests', 'sums'].join(', ')
  const one = database.prepare(
    `SELECT ${columns} FROM rollups WHERE ${keyColumns.map((name) => `${name} = ?`).join(' AND ')}`,
  )
  const page = database.prepare(
    `SELECT ${columns} FROM rollups WHERE (${keyColumns.join(', ')}) > (${keyColumns.map(() => '?').join(', ')})
     ORDER BY ${keyColumns.join(', ')} LIMIT ?`,
  )
  const calls = database.prepare(
    `SELECT seq, timestamp_ms, project, "key", "user", provider, model, outcome, model_call FROM telemetry
     WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${callsAtOnce}`,
  )
  /** Grows with every record that was ever written, so with every change of a total. */
  const newest = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'telemetry'")
  const rollup = (row: Record<string, SQLOutputValue>) => rollupFrom(row, Number(newest.get()?.seq ?? 0))
  /** How far a taking of all totals came, and from which place on changes come after it; it begins again with the process. */
  const sweeps = new Map<string, { version: number; settled: Key; taken: Key; last: boolean }>()

  const sweep = (sink: string, version: number, limit: number): readonly Changed[] => {
    const before = sweeps.get(sink)
    const settled = before?.version === version ? before.settled : first
    const rest = page.all(...settled, limit + 1)
    const found = rest.slice(0, limit)
    const taken = found.length === 0 ? settled : keyColumns.map((name) => keyValue(found.at(-1)?.[name]))
    sweeps.set(sink, { version, settled, taken, last: rest.length <= limit })
    return found.map((row) => ({ row: rollup(row), version }))
  }

  /** Totals of the next calls. Where all of a stretch are gone, the next stretch counts. */
  const behind = (from: number, upTo: number, limit: number): readonly Changed[] => {
    for (let start = from; start < upTo; ) {
      const { keys, version } = keysBehind(start, upTo, limit)
      if (keys.length === 0) return []
      const found = keys.map((key) => one.get(...key)).filter((row) => row !== undefined)
      if (found.length > 0) return found.map((row) => ({ row: rollup(row), version }))
      start = version
    }
    return []
  }

  const keysBehind = (from: number, upTo: number, limit: number): { keys: Key[]; version: number } => {
    const keys = new Map<string, Key>()
    let version = from
    for (const call of calls.iterate(from, upTo)) {
      const added = keysOf(call, instance).filter(([name]) => !keys.has(name))
      if (keys.size > 0 && keys.size + added.length > limit) break
      for (const [name, key] of added) keys.set(name, key)
      version = Number(call.seq)
    }
    return { keys: [...keys.values()], version }
  }

  return {
    changed: (sink, limit) =>
      inTransaction(database, 'BEGIN', () => {
        if (purges.heldAt(sink) !== null) return []
        const { place, rollupPlace, swept } = rows.state(sink)
        if (swept) return behind(rollupPlace, place, limit)
        return documents.count(place, rollupPlace) > 0 ? [] : sweep(sink, rollupPlace, limit)
      }),
    settle: (sink, upTo) =>
      inTransaction(database, 'BEGIN IMMEDIATE', () => {
        const { swept, rollupPlace } = rows.state(sink)
        const sweep = sweeps.get(sink)
        if (swept) rows.advanceRollups(sink, upTo)
        else if (sweep?.version !== rollupPlace)
          return // records went that had not been counted: it begins again
        else if (sweep.last) {
          rows.swept(sink)
          sweeps.delete(sink)
        } else sweeps.set(sink, { ...sweep, settled: sweep.taken })
      }),
  }
}

const callsAtOnce = 20_000
const first: Key = keyColumns.map(() => -1)

const keysOf = (call: Record<string, SQLOutputValue>, instance: string): (readonly [string, Key])[] =>
  rollupRows(
    {
      timestampMs: Number(call.timestamp_ms),
      project: String(call.project),
      key: textOrNull(call.key),
      user: textOrNull(call.user),
      provider: String(call.provider),
      model: textOrNull(call.model),
      outcome: outcomes.find((outcome) => outcome === call.outcome) ?? 'interrupted',
      modelCall: call.model_call === 1,
    },
    instance,
  ).map((row) => {
    const key = keyValues(row)
    return [key.join('\0'), key]
  })

const levelNames = Object.fromEntries(Object.entries(levels).map(([name, number]) => [number, name]))

function rollupFrom(row: Record<string, SQLOutputValue>, version: number): RollupRow {
  const level = levelNames[Number(row.level)]
  if (level === undefined) throw new RangeError(`a row of the rollups is of level ${row.level}, which is none`)
  const names = {
    instance: String(row.instance),
    level,
    startMs: Number(row.start_ms),
    project: String(row.project),
    owner: String(row.owner),
    provider: String(row.provider),
    model: String(row.model),
    outcome: String(row.outcome),
    modelCall: row.model_call === 1,
  }
  return { id: idOf(names), version, ...names, requests: Number(row.requests), sums: bytesOf(row.sums) }
}

const idOf = (names: Omit<RollupRow, 'id' | 'version' | 'requests' | 'sums'>): string =>
  Object.values(names)
    .map((name) => encodeURIComponent(typeof name === 'boolean' ? Number(name) : name))
    .join('|')

const keyValue = (value: SQLOutputValue | undefined): string | number =>
  typeof value === 'number' ? value : String(value)
