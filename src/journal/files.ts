import * as fs from 'node:fs'
import { dirname } from 'node:path'

/** The file calls that the journal's writer makes. Passed in, so that tests can make a disk full, slow or broken. */
export interface JournalFiles {
  open(path: string): number
  writevSync(fd: number, parts: readonly Uint8Array[], position: number): number
  writev(
    fd: number,
    parts: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void
  truncate(fd: number, length: number): void
  /** Makes the bytes of a file safe against a loss of power, through the thread pool. */
  sync(fd: number, done: (error: Error | null) => void): void
  /** The same for the names in a directory. */
  syncDirectory(path: string, done: (error: Error | null) => void): void
  close(fd: number): void
  remove(path: string): void
}

export const systemFiles: JournalFiles = {
  open(path) {
    try {
      return fs.openSync(path, 'wx', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      // somebody removed the directory while we run
      fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      return fs.openSync(path, 'wx', 0o600)
    }
  },
  writevSync: (fd, parts, position) => fs.writevSync(fd, parts, position),
  writev: (fd, parts, position, done) => fs.writev(fd, parts, position, done),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  sync: (fd, done) => fs.fdatasync(fd, done),
  syncDirectory(path, done) {
    fs.open(path, 'r', (error, fd) => {
      if (error) done(error)
      else fs.fsync(fd, (failed) => fs.close(fd, (unclosed) => done(failed ?? unclosed ?? null)))
    })
  },
  close: (fd) => fs.closeSync(fd),
  remove: (path) => fs.unlinkSync(path),
}
