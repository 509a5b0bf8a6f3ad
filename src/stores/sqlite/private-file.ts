import { chmodSync, closeSync, existsSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes sure that the file exists, for its owner alone. An existing one is never opened here: POSIX drops all locks that a
 * process has on a file as soon as it closes any descriptor of it.
 */
export function makePrivate(path: string): void {
  if (existsSync(path)) {
    chmodSync(path, 0o600)
    return
  }
  closeSync(openSync(path, 'wx', 0o600))
  const directory = openSync(dirname(path), 'r')
  fsyncSync(directory) // the name of the new file is safe too
  closeSync(directory)
}
