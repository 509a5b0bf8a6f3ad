import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalBatch } from '../../src/pipeline/local-store.ts'
import type { PurgeWish } from '../../src/records/purge.ts'
import { type EmbeddedStore, openLocalStore } from '../../src/stores/sqlite/local.ts'
import type { DaysKept } from '../contract/deletion-suite.ts'

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

/** What the suites of stores let an embedded database delete. */
export const deletionsIn = (local: EmbeddedStore) => ({
  async purge(wish: Omit<PurgeWish, 'dry'>, nowMs: number): Promise<void> {
    local.purges.ask({ ...wish, dry: false }, nowMs)
    while (local.purges.step(nowMs) !== 'idle');
  },
  async expire({ telemetry, llm_runs, bodies, rollups }: DaysKept, nowMs: number): Promise<void> {
    local.retention.begin(
      { records: telemetry, words: llm_runs, bodies, rollups, connectionLogs: 0, metrics: 0 },
      nowMs,
    )
    while (local.retention.step());
  },
})
