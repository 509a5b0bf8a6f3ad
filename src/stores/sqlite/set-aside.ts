import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Moves a damaged database out of the way, as it is, and says where it is now. Nobody may have it open to write to it. */
export function setAside(path: string, nowMs: number): string {
  const directory = dirname(path)
  const moment = new Date(nowMs).toISOString().replaceAll(':', '-')
  const aside = join(directory, 'damaged', moment)
  mkdirSync(aside, { recursive: true, mode: 0o700 })
  // the log goes first: one left behind would be taken for that of the next database
  for (const part of [`${path}-wal`, `${path}-shm`, path]) {
    if (existsSync(part)) renameSync(part, join(aside, basename(part)))
  }
  for (const changed of [aside, directory]) syncNames(changed)
  return aside
}

/** Tells the file at a path from one that takes its place later. */
export function fileAt(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? 'none' : `${found.dev}:${found.ino}`
}

function syncNames(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
