import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { migrate, SchemaTooNew, schemaVersion } from '../../../src/stores/sqlite/schema.ts'

let database: DatabaseSync
beforeEach(() => {
  database = new DatabaseSync(':memory:')
})
afterEach(() => database.close())

const version = (): unknown => database.prepare('PRAGMA user_version').get()?.user_version
const steps = [
  'CREATE TABLE calls (id TEXT PRIMARY KEY)',
  "ALTER TABLE calls ADD COLUMN model TEXT NOT NULL DEFAULT 'unknown'",
  'CREATE INDEX calls_by_model ON calls (model)',
]

it('brings an older file up step by step, with what is in it, and leaves one of today alone', () => {
  migrate(database, 'x.sqlite', steps.slice(0, 1))
  database.exec("INSERT INTO calls VALUES ('a')")
  migrate(database, 'x.sqlite', steps)
  expect(version()).toBe(3)
  expect(database.prepare('SELECT * FROM calls').all()).toEqual([{ id: 'a', model: 'unknown' }])
  migrate(database, 'x.sqlite', steps)
  expect(version()).toBe(3)
})

it('changes nothing when one of the steps fails, and names the file and both versions', () => {
  migrate(database, 'x.sqlite', steps.slice(0, 1))
  database.exec("INSERT INTO calls VALUES ('a')")
  const failing = [...steps, 'CREATE TABLE calls (id TEXT)']
  expect(() => migrate(database, 'x.sqlite', failing)).toThrow(
    'x.sqlite could not be brought from schema version 1 to 4',
  )
  expect(version()).toBe(1)
  expect(database.prepare('SELECT * FROM calls').all()).toEqual([{ id: 'a' }])
})

it('touches nothing of a newer file', () => {
  migrate(database, 'x.sqlite', steps)
  expect(() => migrate(database, 'x.sqlite', steps.slice(0, 2))).toThrow(SchemaTooNew)
  expect(version()).toBe(3)
})

it('makes a new file in the version of this program', () => {
  migrate(database, 'x.sqlite')
  expect(version()).toBe(schemaVersion)
})
