import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import { priceAgain } from '../../src/meter/price-again.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import type { RunRecord } from '../../src/records/llm-run.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import type { TelemetryRecord } from '../../src/records/telemetry.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { openStore } from '../../src/stores/sqlite/query.ts'
import type { RunDetail, Store, UsageQuery } from '../../src/stores/store.ts'
import { expectedUsage } from '../contract/usage-oracle.ts'
import { seeded } from '../faults/seeded.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { within } from '../support/within.ts'
import type { Dying } from './dying-reprice.ts'
import { temporary } from './run-cli.ts'

const hourMs = 3_600_000
const names = {
  project: ['acme', 'checkout'],
  user: ['ada', 'bob', null],
  key: ['0'.repeat(32), 'f'.repeat(32), null],
  model: ['gpt-4o-mini', 'gpt-4o', 'our-own-model', 'nobody-knows-it', null],
  outcome: ['ok', 'ok', 'ok', 'client_cut'],
  cost: ['4800000', '9007199254740993', '0', null],
} as const

/** Calls over a few days with costs that no price list of ours gives, some without; some of them lists of models. */
export function oddlyPriced(count: number, { seed = 7, hours = 60 } = {}): readonly StoredRecord[] {
  const { pick, whole } = seeded(seed)
  return Array.from({ length: count }, () => {
    const [input, output] = [whole(0, 5_000), whole(0, 900)]
    const cost = pick(names.cost)
    return aRecord({
      atMs: aMoment - whole(0, hours) * hourMs - whole(0, hourMs),
      metadata: {
        project_id: pick(names.project),
        user_id: pick(names.user),
        key_id: pick(names.key),
        llm_model: pick(names.model),
        outcome: pick(names.outcome),
        operation: whole(0, 9) === 0 ? 'models' : 'chat',
        usage: whole(0, 9) === 0 ? null : storedNames({ ...unknownUsage, input, output }),
        prompt_tokens: null,
        completion_tokens: null,
        total_tokens: input + output,
        cost_picodollars: cost,
        cost_usd: cost === null ? null : Number(cost) / 1e12,
        unpriced_reason: cost === null ? 'no price was known then' : null,
      },
    })
  })
}

/** Every record of the store. */
export async function allRuns(store: Store): Promise<readonly RunDetail[]> {
  const found: RunDetail[] = []
  let cursor: string | null = null
  do {
    const page = await store.runs(null, { operation: 'all', limit: 200, ...(cursor ? { cursor } : {}) })
    for (const { telemetry } of page.items) found.push((await store.run(null, telemetry._id))!)
    cursor = page.nextCursor
  } while (cursor !== null)
  return found
}

const questions: readonly UsageQuery[] = [
  { groupBy: [] },
  { groupBy: [], operations: 'all' },
  { groupBy: ['project', 'model', 'day'] },
  { groupBy: ['key', 'model', 'hour'] },
  { groupBy: ['user', 'day'] },
  { groupBy: ['outcome', 'provider'], timeZone: 'Asia/Kolkata' },
  { groupBy: ['model', 'hour'], timeZone: 'America/St_Johns', fromMs: aMoment - 30 * hourMs - 1_234 },
]

/** Usage, whichever way it is asked for, is the sum over the records. */
export async function expectSumsOfRecords(store: Store, runs: readonly RunDetail[]): Promise<void> {
  for (const query of questions) {
    const expected = expectedUsage(runs as unknown as readonly StoredRecord[], null, query)
    const answer = await store.usage(null, query)
    const rows = query.groupBy.length === 0 ? [{ ...answer.totals, group: {} }] : answer.groups
    const named = new Map(rows.map((row) => [JSON.stringify(query.groupBy.map((name) => row.group[name])), row]))
    expect(named.size).toBe(expected.size)
    for (const [name, { sums, group }] of expected) expect(named.get(name)).toMatchObject({ ...sums, group })
  }
}

/** The embedded database of a data directory: also what it counts since it was made is the sum over the records. */
export async function expectTrueSums({ DATA_DIR }: { DATA_DIR: string }): Promise<readonly RunDetail[]> {
  const path = join(DATA_DIR, 'sightglass.sqlite')
  const store = openStore(path)
  try {
    const runs = storedRuns(path)
    await expectSumsOfRecords(store, runs)
    const calls = runs.filter(({ telemetry }) => telemetry.metadata.operation !== 'models')
    const cost = calls.reduce((sum, { telemetry }) => sum + BigInt(telemetry.metadata.cost_picodollars ?? 0), 0n)
    const totals = await store.totals()
    expect(totals.reduce((sum, { costUsd }) => sum + costUsd, 0)).toBeCloseTo(Number(cost) / 1e12, 6)
    const { unpriced } = (await store.usage(null, { groupBy: [] })).totals
    expect(totals.reduce((sum, one) => sum + one.unpriced, 0)).toBe(unpriced)
    return runs
  } finally {
    await store.close()
  }
}

/** The same as `allRuns`, at once. */
function storedRuns(path: string): readonly RunDetail[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT telemetry, run, prompt, completion FROM documents').all()
  database.close()
  return rows.map(({ telemetry, run, prompt, completion }) => ({
    telemetry: JSON.parse(String(telemetry)) as TelemetryRecord,
    run: { ...JSON.parse(String(run)), prompt, completion } as RunRecord,
    chunkTimes: null,
  }))
}

/** A price list of the operator's: dollars for a million tokens of `our-own-model`. */
export const ownPrices = (input = 5, output = 6): string => {
  const path = join(temporary(), 'prices.json')
  const models = [{ provider: 'openai', model: 'our-own-model', mode: 'chat', input, output }]
  writeFileSync(path, JSON.stringify({ schema: '1', as_of: '2026-11-01', models }))
  return path
}

/** Each record's cost and bill are those that the prices give for its tokens. */
export function expectPricedBy(runs: readonly RunDetail[], pricesFile: string | null): void {
  const prices = loadPrices(pricesFile === null ? [] : [pricesFile])
  for (const { telemetry, run } of runs) {
    const cost = priceAgain({ telemetry, run }, prices)
    if (cost === null) continue
    expect(telemetry.metadata).toMatchObject(cost.fields)
    expect(run.cost_usd).toBe(cost.fields.cost_usd)
    expect(run.bill).toEqual(cost.bill)
  }
}

/** Runs `dying-reprice.ts` until it is killed by itself. */
export async function dies(how: Dying): Promise<void> {
  const script = join(import.meta.dirname, 'dying-reprice.ts')
  const words = ['--disable-warning=ExperimentalWarning', script, JSON.stringify(how)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await within(30_000, 'the command to be killed', once(child, 'close'))
  expect(signal).toBe('SIGKILL')
}
