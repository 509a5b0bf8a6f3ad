import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { levels } from '../rollups/levels.ts'
import { emptySums, encodeSums, mergeEncodedSums, type Sums } from '../rollups/sums.ts'
import { inTransaction } from './database.ts'
import { bytesOf } from './record-rows.ts'
import type { RollupWriter } from './rollup-rows.ts'
import { summedRows } from './summed-rows.ts'

/** More names than this are not told apart: clients make them up. */
const nameLimit = 2_000

/**
 * Keeps the sums of all calls since the data directory was made, by project, provider, model and outcome. Counters read from
 * them only grow: what retention takes from the rollups stays counted here. With too many names, those with the fewest calls
 * are counted together, as the rest of their provider: project and model are '' there.
 */
export function totalsWriter(database: DatabaseSync, limit = nameLimit): RollupWriter {
  const rows = summedRows(database, 'totals', totalColumns)
  const count = database.prepare('SELECT count(*) AS rows FROM totals')
  const size = (): number => Number(count.get()?.rows ?? 0)
  if (size() === 0) inTransaction(database, 'BEGIN IMMEDIATE', () => foldRollups(database))
  let known = size()
  let foldAt = limit

  return {
    add(facts) {
      const { project, provider, model, outcome, modelCall } = facts
      const row = rows.row([project, provider, model ?? '', outcome, Number(modelCall)])
      if (row.isNew && row.sums.counts.requests === 0) known++
      rows.add(row, facts)
    },
    flush() {
      rows.flush()
      if (known <= foldAt) return
      rows.forget()
      foldLeast(database, limit / 2)
      known = size()
      foldAt = Math.max(limit, known + limit / 2)
    },
    forget() {
      rows.forget()
      known = size()
    },
  }
}

export const totalColumns = ['project', 'provider', 'model', 'outcome', 'model_call'] as const

/** Begins with what the rollups of an older file hold. */
function foldRollups(database: DatabaseSync): void {
  const days = database.prepare(
    `SELECT ${totalColumns.join(', ')}, sums FROM rollups WHERE level = ${levels.model_day} AND owner = ''`,
  )
  addUp(database, days.all())
}

/** Adds the rows of those with the fewest calls to the rest of their provider, until about `wanted` names are left. */
function foldLeast(database: DatabaseSync, wanted: number): void {
  const names = database
    .prepare(
      `SELECT project, provider, model FROM totals WHERE project <> '' GROUP BY project, provider, model
       ORDER BY sum(requests) DESC LIMIT -1 OFFSET ?`,
    )
    .all(wanted)
  const ofName = `FROM totals WHERE project = ? AND provider = ? AND model = ?`
  const find = database.prepare(`SELECT ${totalColumns.join(', ')}, sums ${ofName}`)
  const remove = database.prepare(`DELETE ${ofName}`)
  for (const { project, provider, model } of names) {
    const place = [String(project), String(provider), String(model)]
    addUp(
      database,
      find.all(...place).map((row) => ({ ...row, project: '', model: '' })),
    )
    remove.run(...place)
  }
}

function addUp(database: DatabaseSync, rows: readonly Record<string, SQLOutputValue>[]): void {
  const find = database.prepare(
    `SELECT sums FROM totals WHERE ${totalColumns.map((name) => `${name} = ?`).join(' AND ')}`,
  )
  const write = database.prepare('INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?, ?, ?)')
  const found = new Map<string, { place: (string | number)[]; sums: Sums }>()
  for (const row of rows) {
    const place = totalColumns.map((name) => (name === 'model_call' ? Number(row[name]) : String(row[name])))
    const name = place.join('\0')
    let entry = found.get(name)
    if (entry === undefined) {
      entry = { place, sums: emptySums() }
      const before = find.get(...place)
      if (before !== undefined) mergeEncodedSums(entry.sums, bytesOf(before.sums))
      found.set(name, entry)
    }
    mergeEncodedSums(entry.sums, bytesOf(row.sums))
  }
  for (const { place, sums } of found.values()) write.run(...place, sums.counts.requests, encodeSums(sums))
}
