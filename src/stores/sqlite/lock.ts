import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makePrivate } from './private-file.ts'

/** Another process works in the directory. */
export class DirectoryLocked extends Error {
  override name = 'DirectoryLocked'
  constructor(directory: string) {
    super(`${directory} is in use by another Sightglass: stop that one, or choose another data directory`)
  }
}

export interface DirectoryLock {
  release(): void
}

/** Keeps other processes out of the directory until released; the operating system releases it when this process dies. */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, 'lock.sqlite')
  const database = opened(directory, path)
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) throw new DirectoryLocked(directory)
    throw new Error(`${path} cannot be locked: ${messageOf(error)}`, { cause: error })
  }
  return {
    release() {
      if (database.isOpen) database.close()
    },
  }
}

function opened(directory: string, path: string): DatabaseSync {
  try {
    makePrivate(path)
    return new DatabaseSync(path)
  } catch (error) {
    throw new Error(`${directory} cannot be used as data directory: ${messageOf(error)}`, { cause: error })
  }
}

const sqliteBusy = 5

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === sqliteBusy

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
