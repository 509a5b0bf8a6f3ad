import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach } from 'vitest'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { type EmbeddedOptions, type EmbeddedStore, openLocalStore } from '../../../src/stores/sqlite/local.ts'
import { aRecord, type RecordOverrides } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'

/** A fresh embedded database for each test of a file, and looks into its rows. */
export class EmbeddedUnderTest {
  path = ''
  local!: EmbeddedStore

  constructor() {
    let directory = ''
    beforeEach(() => {
      const { path, local, directory: made } = aDatabase()
      this.path = path
      this.local = local
      directory = made
    })
    afterEach(() => {
      this.local.close()
      rmSync(directory, { recursive: true })
    })
  }

  /** As after a start. */
  reopen(options: EmbeddedOptions = {}): void {
    this.local.close()
    this.local = openLocalStore(this.path, options)
  }

  store(...overrides: RecordOverrides[]): StoredRecord[] {
    const records = overrides.map(aRecord)
    this.local.commit({ ...emptyBatch, records })
    return records
  }

  all(sql: string): Record<string, unknown>[] {
    const database = new DatabaseSync(this.path, { readOnly: true })
    try {
      return database.prepare(sql).all()
    } finally {
      database.close()
    }
  }

  count(from: string): number {
    return Number(this.all(`SELECT count(*) AS rows FROM ${from}`)[0]?.rows)
  }

  change(sql: string): void {
    const database = new DatabaseSync(this.path)
    database.exec(sql)
    database.close()
  }
}
