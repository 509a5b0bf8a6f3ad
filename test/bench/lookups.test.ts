import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { answersOf } from '../../bench/lookups/questions.ts'
import { commit, seed } from '../../bench/lookups/seed.ts'
import { openForReading } from '../../src/stores/sqlite/database.ts'
import { openStore } from '../../src/stores/sqlite/query.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sightglass-seed-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

it('lookups are measured in the database that the product would have made of the same calls', async () => {
  const [seeded, committed] = ['seeded', 'committed'].map((name) => join(directory, name)) as [string, string]
  await seed(seeded, 2_000)
  commit(committed, 2_000)
  for (const table of ['telemetry', 'documents', 'rollups', 'totals', 'counters'])
    expect(rowsOf(seeded, table), table).toEqual(rowsOf(committed, table))
  expect(await answers(seeded)).toEqual(await answers(committed))
})

/** Without the data directory's own id. */
function rowsOf(path: string, table: string): unknown[] {
  const database = openForReading(path)
  try {
    return database
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row) => ({ ...row, instance: null }))
  } finally {
    database.close()
  }
}

async function answers(path: string): Promise<Record<string, string>> {
  const store = openStore(path)
  try {
    return await answersOf(store)
  } finally {
    await store.close()
  }
}
