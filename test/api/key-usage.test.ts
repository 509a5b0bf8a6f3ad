import { expect, it } from 'vitest'
import { isError } from '../../src/records/outcome.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { apiOver, idOf, type Json } from './api-server.ts'

const day = 86_400_000
const keys = ['sk-ada', 'sk-bob', 'sk-eve']
const models = ['gpt-4o', 'gpt-4o-mini', 'llama3.2']
const ends = ['ok', 'ok', 'ok', 'truncated', 'upstream_error_http', 'client_cut'] as const

/** Twelve days of calls with three keys; sizes and times spread without chance, so that a failure can be repeated. */
const records = Array.from({ length: 360 }, (_, place) => {
  const spread = (place * 7_919) % 1_009
  const model = models[place % 3]!
  const unpriced = model === 'llama3.2' && place % 2 === 0
  return aRecord({
    atMs: aMoment - 12 * day + place * 2_880_000,
    metadata: {
      key_id: idOf(keys[((place * 5) % 7) % 3]!),
      project_id: place % 4 === 0 ? 'globex' : 'acme',
      model_requested: model,
      outcome: ends[spread % ends.length]!,
      latency_ms: 20 + spread * 3.5,
      prompt_tokens: spread,
      completion_tokens: spread % 97,
      total_tokens: spread + (spread % 97),
      usage: { ...storedNames(unknownUsage), input: spread, output: spread % 97 },
      cost_picodollars: unpriced ? null : String(BigInt(spread) * 9_007_199_254_740_993n),
    },
  })
})

const from = aMoment - 9 * day
const to = aMoment - 2 * day
const range = `from=${from}&to=${to}`

const madeWith = (key: string): StoredRecord[] =>
  records.filter(
    ({ telemetry }) =>
      telemetry.metadata.key_id === idOf(key) && telemetry.timestamp_ms >= from && telemetry.timestamp_ms < to,
  )

it.each(keys)(
  'adds up the calls of %s in a range, by day and by model, to exactly what the records say',
  async (key) => {
    const api = await apiOver(records)
    const own = madeWith(key)
    expect(own.length).toBeGreaterThan(40)
    for (const [name, groupOf] of groupings) {
      const { body } = await api.ask(`/usage/self?group_by=${name}&${range}`, key)
      const expected = Map.groupBy(own, groupOf)
      expect(new Set(body.groups.map((row: Json) => row.group[name]))).toEqual(new Set(expected.keys()))
      for (const row of body.groups) expectSums(row, expected.get(row.group[name]) ?? [])
      expectSums(body.totals, own)
      const cost = body.groups.reduce((sum: bigint, row: Json) => sum + BigInt(row.cost_picodollars), 0n)
      expect(String(cost)).toBe(body.totals.cost_picodollars)
    }
  },
)

const groupings = [
  ['day', ({ telemetry }: StoredRecord) => telemetry.timestamp.slice(0, 10)],
  ['model', ({ telemetry }: StoredRecord) => telemetry.metadata.llm_model],
] as const

it('gives the admin the same sums of any key, and a key none but its own', async () => {
  const api = await apiOver(records)
  for (const key of keys) {
    const query = `group_by=day,model&${range}`
    const own = (await api.ask(`/usage/self?${query}`, key)).body
    expect((await api.ask(`/usage/keys/${idOf(key)}?${query}`)).body).toEqual(own)
    const byFilter = (await api.ask(`/usage?key=${idOf(key)}&${query}`)).body
    expect({ key: own.key, ...byFilter }).toEqual(own)
    for (const other of keys.filter((one) => one !== key)) {
      expect((await api.ask(`/usage/keys/${idOf(key)}?${query}`, other)).status).toBe(404)
      expect((await api.ask(`/usage?key=${idOf(key)}&${query}`, other)).status).toBe(403)
    }
  }
})

it('splits all calls over the keys without a rest', async () => {
  const api = await apiOver(records)
  const { body } = await api.ask(`/usage?group_by=key&${range}`)
  const requests = body.groups.map((row: Json) => row.requests)
  expect(body.groups.map((row: Json) => row.group.key).sort()).toEqual(keys.map(idOf).sort())
  expect(requests.reduce((sum: number, one: number) => sum + one, 0)).toBe(body.totals.requests)
  expect(body.totals.requests).toBe(keys.flatMap(madeWith).length)
})

function expectSums(sums: Json, members: readonly StoredRecord[]): void {
  const all = members.map(({ telemetry }) => telemetry.metadata)
  const add = (values: readonly (number | null)[]): number =>
    values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  expect(sums).toMatchObject({
    requests: all.length,
    errors: all.filter(({ outcome }) => isError(outcome)).length,
    unpriced: all.filter(({ cost_picodollars }) => cost_picodollars === null).length,
    input_tokens: add(all.map(({ prompt_tokens }) => prompt_tokens)),
    output_tokens: add(all.map(({ completion_tokens }) => completion_tokens)),
    total_tokens: add(all.map(({ total_tokens }) => total_tokens)),
    cost_picodollars: String(all.reduce((sum, { cost_picodollars }) => sum + BigInt(cost_picodollars ?? 0), 0n)),
  })
  const latencies = all.map(({ latency_ms }) => latency_ms).sort((one, other) => one - other)
  within1Percent(sums.latency_ms.mean, add(latencies) / latencies.length)
  within1Percent(sums.latency_ms.p95, latencies[Math.ceil(0.95 * latencies.length) - 1]!)
}

function within1Percent(value: number, exact: number): void {
  expect(Math.abs(value - exact) / exact).toBeLessThanOrEqual(0.01)
}
