import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Purge } from '../../records/purge.ts'
import type { Book, KnownFile } from './book.ts'
import { type FileCalls, sizeOf } from './day-file.ts'
import { restOf } from './rewrite.ts'

export interface CsvPurge {
  rows: number
  /** Files that somebody changed since they were written: they are left as they are. */
  changed: number
}

/**
 * Takes rows out of the files of ours. Each is exchanged for a new one in one go, and what is remembered of it is true before
 * and after, whenever the process dies. Nothing may be appended meanwhile.
 */
export async function purgeFiles(directory: string, book: Book, purge: Purge, files: FileCalls): Promise<CsvPurge> {
  book.settle(directory, book.all())
  const found: CsvPurge = { rows: 0, changed: 0 }
  for (const file of book.all()) {
    const size = sizeOf(directory, file.name)
    if (size === null) continue // somebody took it away, or the directory is another one now
    if (size !== file.length) found.changed++
    else
      found.rows += purge.dry
        ? await count(directory, file, purge)
        : await exchange(directory, file, book, purge, files)
  }
  return found
}

async function count(directory: string, { name, length }: KnownFile, purge: Purge): Promise<number> {
  let rows = 0
  for await (const { removed } of restOf(join(directory, name), length, purge)) rows += removed
  return rows
}

async function exchange(
  directory: string,
  { name, length }: KnownFile,
  book: Book,
  purge: Purge,
  files: FileCalls,
): Promise<number> {
  const path = join(directory, name)
  const fresh = `${path}.purging`
  const rest = await written(path, length, fresh, purge, files)
  if (rest.removed === 0) rmSync(fresh)
  else if (rest.rows === 0) {
    rmSync(fresh)
    rmSync(path)
    syncDirectory(directory)
    book.replace(name, null)
  } else {
    book.replace(name, { name, length, becomes: rest.bytes })
    renameSync(fresh, path)
    syncDirectory(directory)
    book.replace(name, { name, length: rest.bytes })
  }
  return rest.removed
}

/** The new file, safe on the disk. */
async function written(path: string, length: number, fresh: string, purge: Purge, files: FileCalls) {
  const whole = { bytes: 0, rows: 0, removed: 0 }
  const file = files.open(
    fresh,
    constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY | constants.O_NOFOLLOW,
    0o600,
  )
  try {
    for await (const { bytes, rows, removed } of restOf(path, length, purge)) {
      const count = files.write(file, bytes, 0, bytes.length, whole.bytes)
      if (count !== bytes.length) throw new Error(`${fresh}: ${count} of ${bytes.length} bytes were written`)
      whole.bytes += bytes.length
      whole.rows += rows
      whole.removed += removed
    }
    files.sync(file)
    return whole
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
