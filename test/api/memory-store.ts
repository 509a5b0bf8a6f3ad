import { isError, modelOperations } from '../../src/records/outcome.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { Distribution, RecordFilter, Store, UsageGroup, UsageSums } from '../../src/stores/store.ts'

/** The contract in its plainest form: a list, filtered and added up. */
export function memoryStore(records: readonly StoredRecord[]): Store {
  const matching = (project: string | null, filter: RecordFilter, operation = 'model'): StoredRecord[] =>
    records.filter(({ telemetry: { timestamp_ms: at, metadata } }) => {
      const wanted: [unknown, unknown][] = [
        [project ?? undefined, metadata.project_id],
        [filter.key, metadata.key_id],
        [filter.user, metadata.user_id],
        [filter.model, metadata.llm_model],
        [filter.provider, metadata.provider],
        [filter.outcome, metadata.outcome],
      ]
      if (wanted.some(([asked, value]) => asked !== undefined && asked !== value)) return false
      if (at < (filter.fromMs ?? -Infinity) || at >= (filter.toMs ?? Infinity)) return false
      if (operation === 'model') return modelOperations.has(metadata.operation)
      return operation === 'all' || operation === metadata.operation
    })
  const find = (project: string | null, id: string): StoredRecord | undefined =>
    records.find(
      ({ telemetry }) =>
        telemetry._id === id && (project ?? telemetry.metadata.project_id) === telemetry.metadata.project_id,
    )

  return {
    name: 'memory',
    async usage(project, query) {
      const found = matching(project, query, query.operations)
      const groups = Map.groupBy(found, (record) =>
        JSON.stringify(query.groupBy.map((name) => [name, groupValue(name, record, query.timeZone ?? 'UTC')])),
      )
      const rows = [...groups].map(([key, members]) => ({
        group: Object.fromEntries(JSON.parse(key)),
        ...sums(members),
      }))
      const limit = query.limit ?? 1_000
      return {
        groups: query.groupBy.length === 0 ? [] : rows.slice(0, limit),
        totals: sums(found),
        truncated: rows.length > limit,
      }
    },
    async runs(project, query) {
      const found = matching(project, query, query.operation)
        .filter(({ telemetry: { metadata }, run }) => {
          if (query.status !== undefined && (query.status === 'error') !== isError(metadata.outcome)) return false
          if (query.statusCode !== undefined && query.statusCode !== metadata.status_code) return false
          if (query.session !== undefined && query.session !== metadata.session_id) return false
          if (metadata.latency_ms < (query.latencyMinMs ?? 0)) return false
          if (metadata.latency_ms > (query.latencyMaxMs ?? Infinity)) return false
          if ((metadata.total_tokens ?? 0) < (query.tokensMin ?? 0)) return false
          if ((metadata.total_tokens ?? 0) > (query.tokensMax ?? Infinity)) return false
          const text = query.text?.toLowerCase()
          return text === undefined || [run.prompt, run.completion].some((part) => part?.toLowerCase().includes(text))
        })
        .sort((one, other) => (one.telemetry._id < other.telemetry._id ? 1 : -1))
      const start = query.cursor === undefined ? (query.skip ?? 0) : Number(query.cursor)
      const end = start + query.limit
      return {
        items: found
          .slice(start, end)
          .map(({ telemetry, run }) => ({ telemetry, prompt: run.prompt, completion: run.completion })),
        nextCursor: end < found.length ? String(end) : null,
        total: found.length,
      }
    },
    async run(project, id) {
      const found = find(project, id)
      return found ? { telemetry: found.telemetry, run: found.run, chunkTimes: pairs(found.chunkTimes) } : null
    },
    async body(project, id, side) {
      const found = find(project, id)
      const bytes = side === 'request' ? found?.requestBytes : found?.responseBytes
      const facts = side === 'request' ? found?.run.request_body : found?.run.response_body
      if (!bytes || !facts) return null
      const { truncated, content_type: contentType, content_encoding: contentEncoding } = facts
      return { bytes, truncated, contentType, contentEncoding }
    },
    status: async () => ({ name: 'memory', schemaVersion: 1, counts: { telemetry: records.length }, sizeBytes: null }),
    close: async () => {},
  }
}

function groupValue(
  name: UsageGroup,
  { telemetry: { timestamp_ms: at, metadata } }: StoredRecord,
  timeZone: string,
): string | null {
  const local = new Date(at).toLocaleString('sv-SE', { timeZone })
  const values: Record<UsageGroup, string | null> = {
    project: metadata.project_id,
    key: metadata.key_id,
    user: metadata.user_id,
    model: metadata.llm_model,
    provider: metadata.provider,
    outcome: metadata.outcome,
    hour: `${local.slice(0, 10)}T${local.slice(11, 13)}`,
    day: local.slice(0, 10),
  }
  return values[name]
}

function sums(records: readonly StoredRecord[]): UsageSums {
  const all = records.map(({ telemetry }) => telemetry.metadata)
  const add = (pick: (metadata: (typeof all)[number]) => number | null | undefined): number =>
    all.reduce((total, metadata) => total + (pick(metadata) ?? 0), 0)
  const cost = all.reduce((total, { cost_picodollars }) => total + BigInt(cost_picodollars ?? 0), 0n)
  return {
    requests: all.length,
    errors: all.filter(({ outcome }) => isError(outcome)).length,
    estimated: all.filter(({ token_source }) => token_source === 'estimated').length,
    unpriced: all.filter(({ usage, cost_picodollars }) => usage !== null && cost_picodollars === null).length,
    input_tokens: add(({ prompt_tokens }) => prompt_tokens),
    cached_input_tokens: add(({ usage }) => usage?.cacheRead),
    output_tokens: add(({ completion_tokens }) => completion_tokens),
    reasoning_tokens: add(({ usage }) => usage?.reasoning),
    total_tokens: add(({ total_tokens }) => total_tokens),
    cost_picodollars: String(cost),
    cost_usd: Number(cost) / 1e12,
    request_bytes: add(({ request_size }) => request_size),
    response_bytes: add(({ response_size }) => response_size),
    latency_ms: distribution(all.map(({ latency_ms }) => latency_ms)),
    ttft_ms: distribution(all.flatMap(({ ttft_ms }) => ttft_ms ?? [])),
    inter_token_ms: null,
    output_tokens_per_second: null,
  }
}

function distribution(values: readonly number[]): Distribution | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((one, other) => one - other)
  const rank = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1]!
  const mean = sorted.reduce((total, value) => total + value, 0) / sorted.length
  return { mean, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: sorted.at(-1)! }
}

function pairs(bytes: Uint8Array | null): [number, number][] | null {
  if (bytes === null) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength / 16 }, (_, pair) => [
    view.getFloat64(pair * 16, true),
    view.getFloat64(pair * 16 + 8, true),
  ])
}
