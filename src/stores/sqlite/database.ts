import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { makePrivate } from './private-file.ts'
import { foundVersion, migrate, schemaVersion } from './schema.ts'

/** The database's file cannot be used as it is: no rights, no directory, no database. The message names the path. */
export class StoreUnusable extends Error {
  override name = 'StoreUnusable'
}

/** Opens (or makes) the file for its one writer and brings it to this program's version. */
export function openForWriting(path: string): DatabaseSync {
  return opened(path, 'written', () => {
    makePrivate(path)
    return prepared(new DatabaseSync(path), (database) => {
      database.exec(`
        PRAGMA busy_timeout = 5000;
        PRAGMA auto_vacuum = INCREMENTAL;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        PRAGMA wal_autocheckpoint = 8000;
        PRAGMA cache_size = -8000;
      `)
      migrate(database, path)
    })
  })
}

/** Opens the file for questions. It must exist and have this program's version: the writer sees to that. */
export function openForReading(path: string): DatabaseSync {
  return opened(path, 'read', () => {
    if (!existsSync(path)) throw new StoreUnusable(`${path} does not exist yet`)
    return prepared(new DatabaseSync(path, { readOnly: true }), (database) => {
      database.exec('PRAGMA busy_timeout = 2000; PRAGMA query_only = ON; PRAGMA cache_size = -16000')
      const found = foundVersion(database, path)
      if (found < schemaVersion)
        throw new StoreUnusable(`${path} has schema version ${found} and is not yet brought to ${schemaVersion}`)
    })
  })
}

function prepared(database: DatabaseSync, prepare: (database: DatabaseSync) => void): DatabaseSync {
  try {
    prepare(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function opened(path: string, use: 'written' | 'read', open: () => DatabaseSync): DatabaseSync {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    throw new StoreUnusable(`${path} cannot be ${use}: ${error.message}`, { cause: error })
  }
}

/** All or nothing. */
export function inTransaction<T>(database: DatabaseSync, kind: 'BEGIN IMMEDIATE' | 'BEGIN', work: () => T): T {
  database.exec(kind)
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
