import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '../src/stores/sqlite/local.ts'
import { aRecord } from '../test/support/records.ts'

/**
 * How fast the embedded store takes records: `node scripts/run.mjs bench/store.ts [CALLS]`; `lookups.ts` asks for them.
 * Calls of 30 days, 5 projects, 20 keys, 50 users, 12 models; about 6 KB each, 500 in a batch.
 */
const calls = Number(process.argv[2] ?? 100_000)
const days = 30
const dayMs = 86_400_000
const startMs = Date.UTC(2026, 9, 1)
const body = new TextEncoder().encode('x'.repeat(700))

let seed = 1
const below = (limit: number): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed % limit
}

const call = (atMs: number) =>
  aRecord({
    atMs: Math.floor(atMs),
    requestBytes: body,
    responseBytes: body,
    gapsMs: Array.from({ length: 20 }, () => 10 + below(300) / 10),
    metadata: {
      project_id: `project-${below(5)}`,
      key_id: `key-${below(20)}`,
      user_id: `user-${below(50)}`,
      llm_model: `model-${below(4)}`,
      provider: `provider-${below(3)}`,
      latency_ms: 100 + below(20_000) / 10,
      ttft_ms: 50 + below(1000) / 10,
      outcome: below(20) === 0 ? 'upstream_error_http' : 'ok',
    },
  })

/** Fills a fresh database with calls that came `stepMs` apart, and says how fast it took them. */
function filled(name: string, count: number, stepMs: number): void {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-bench-'))
  const path = join(directory, 'sightglass.sqlite')
  const local = openLocalStore(path)
  let wallMs = 0
  let cpuUs = 0
  for (let index = 0; index < count; index += 500) {
    const records = Array.from({ length: 500 }, (_, place) => call(startMs + (index + place) * stepMs))
    const before = process.cpuUsage()
    const at = performance.now()
    local.commit({ records, positions: [], finishedEpochs: [], applied: [], settled: [], carry: [], uncarry: [] })
    wallMs += performance.now() - at
    const spent = process.cpuUsage(before)
    cpuUs += spent.user + spent.system
  }
  local.checkpoint()
  local.close()
  const bytes = Math.round(statSync(path).size / count)
  console.log(
    `${name.padEnd(36)} ${Math.round((count / wallMs) * 1000)} records/s, ${(cpuUs / count).toFixed(1)} µs CPU and ${bytes} bytes a record`,
  )
  rmSync(directory, { recursive: true })
}

filled('written: one call a millisecond', 50_000, 1)
filled('written: calls of a month', calls, (days * dayMs) / calls)
