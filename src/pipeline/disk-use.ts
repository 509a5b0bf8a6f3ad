import { readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DiskUse } from '../journal/disk-budget.ts'

/** What the journal and the embedded database take, and what the disk still has. A few hundred files at most. */
export function diskUse(dataDir: string): DiskUse {
  let usedBytes = 0
  const add = (path: string) => {
    usedBytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
  }
  for (const name of names(dataDir)) if (name.startsWith('sightglass.sqlite')) add(join(dataDir, name))
  const journal = join(dataDir, 'journal')
  for (const epoch of names(journal)) for (const name of names(join(journal, epoch))) add(join(journal, epoch, name))
  const { bavail, bsize } = statfsSync(dataDir)
  return { usedBytes, freeBytes: bavail * bsize }
}

/** Nothing where there is no such directory (any more). */
function names(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
