import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalBatch } from '../../src/pipeline/local-store.ts'
import { type EmbeddedStore, openLocalStore } from '../../src/stores/sqlite/local.ts'

export const emptyBatch: LocalBatch = {
  records: [],
  positions: [],
  finishedEpochs: [],
  applied: [],
  settled: [],
  carry: [],
  uncarry: [],
}

/** An empty database in a directory of its own. */
export function aDatabase(): { path: string; directory: string; local: EmbeddedStore; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-sqlite-'))
  const path = join(directory, 'sightglass.sqlite')
  const local = openLocalStore(path)
  return {
    path,
    directory,
    local,
    remove() {
      local.close()
      rmSync(directory, { recursive: true })
    },
  }
}
