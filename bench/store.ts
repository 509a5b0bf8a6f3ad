import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '../src/stores/sqlite/local.ts'
import { openStore } from '../src/stores/sqlite/query.ts'
import { aRecord } from '../test/support/records.ts'

/**
 * How fast the embedded store takes records and answers lookups: `node scripts/run.mjs bench/store.ts [CALLS]`.
 * Calls of 30 days, 5 projects, 20 keys, 50 users, 12 models; about 6 KB each, 500 in a batch.
 */
const calls = Number(process.argv[2] ?? 100_000)
const days = 30
const dayMs = 86_400_000
const startMs = Date.UTC(2026, 9, 1)
const endMs = startMs + days * dayMs
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
function filled(name: string, count: number, stepMs: number): { path: string; remove(): void } {
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
  return { path, remove: () => rmSync(directory, { recursive: true }) }
}

filled('written: one call a millisecond', 50_000, 1).remove()
const { path, remove } = filled('written: calls of a month', calls, (days * dayMs) / calls)

const store = openStore(path)
const lookups: Record<string, () => Promise<unknown>> = {
  'usage: all projects by model': () => store.usage(null, { groupBy: ['project', 'model'] }),
  'usage: a project by day': () => store.usage('project-1', { groupBy: ['day'] }),
  'usage: a project by day in Berlin': () => store.usage('project-1', { groupBy: ['day'], timeZone: 'Europe/Berlin' }),
  'usage: a project by day in Kolkata': () => store.usage('project-1', { groupBy: ['day'], timeZone: 'Asia/Kolkata' }),
  'usage: the last day by hour': () => store.usage('project-1', { groupBy: ['hour'], fromMs: endMs - dayMs }),
  'usage: one key': () => store.usage('project-1', { groupBy: ['model'], key: 'key-3' }),
  'usage: all keys': () => store.usage(null, { groupBy: ['key'] }),
  'usage: all users': () => store.usage(null, { groupBy: ['user'] }),
  'usage: a week cut through hours': () =>
    store.usage(null, { groupBy: ['project'], fromMs: endMs - 7 * dayMs + 1_234_567, toMs: endMs - 1_234_567 }),
  'runs: the newest 50': () => store.runs('project-1', { limit: 50 }),
  'runs: a model that nobody called': () => store.runs('project-1', { limit: 50, model: 'none' }),
  'runs: text that nobody said': () => store.runs('project-1', { limit: 50, text: 'none of this' }),
}
for (const [name, lookup] of Object.entries(lookups)) {
  const times: number[] = []
  for (let round = 0; round < 9; round++) {
    const at = performance.now()
    await lookup()
    times.push(performance.now() - at)
  }
  times.sort((one, other) => one - other)
  console.log(`${name.padEnd(36)} ${times[4]?.toFixed(1).padStart(7)} ms`)
}
await store.close()
remove()
