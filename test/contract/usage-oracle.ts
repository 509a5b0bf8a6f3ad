import { isError, modelOperations } from '../../src/records/outcome.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { UsageGroup, UsageQuery } from '../../src/stores/store.ts'

/** What a usage row must say, added up over the records by hand and grouped by the platform's own calendar. */
export interface ExpectedRow {
  group: Partial<Record<UsageGroup, string | null>>
  sums: Record<string, number | string>
  latencies: number[]
}

export function expectedUsage(
  records: readonly StoredRecord[],
  project: string | null,
  query: UsageQuery,
): Map<string, ExpectedRow> {
  const rows = new Map<string, ExpectedRow>()
  for (const record of records.filter((one) => matches(one, project, query))) {
    const group = Object.fromEntries(
      query.groupBy.map((name) => [name, groupOf(record, name, query.timeZone ?? 'UTC')]),
    )
    const name = JSON.stringify(query.groupBy.map((each) => group[each]))
    const row: ExpectedRow = rows.get(name) ?? { group, sums: {}, latencies: [] }
    rows.set(name, row)
    const call = record.telemetry.metadata
    const add = (field: string, value: number): void => {
      row.sums[field] = Number(row.sums[field] ?? 0) + value
    }
    add('requests', 1)
    add('errors', isError(call.outcome) ? 1 : 0)
    add('estimated', call.token_source === 'estimated' ? 1 : 0)
    const { images, audio_seconds, characters, search_units } = call.usage ?? {}
    const billed = [call.total_tokens, images, audio_seconds, characters, search_units].some(
      (count) => (count ?? 0) > 0,
    )
    add('unpriced', call.cost_picodollars === null && billed ? 1 : 0)
    add('input_tokens', call.usage?.input ?? 0)
    add('cached_input_tokens', call.usage?.cache_read ?? 0)
    add('output_tokens', call.usage?.output ?? 0)
    add('reasoning_tokens', call.usage?.reasoning ?? 0)
    add('total_tokens', call.total_tokens ?? 0)
    add('request_bytes', call.request_size)
    add('response_bytes', call.response_size)
    row.sums.cost_picodollars = (BigInt(row.sums.cost_picodollars ?? 0) + BigInt(call.cost_picodollars ?? 0)).toString()
    row.latencies.push(call.latency_ms)
  }
  return rows
}

function matches({ telemetry }: StoredRecord, project: string | null, query: UsageQuery): boolean {
  const call = telemetry.metadata
  return (
    (project === null || call.project_id === project) &&
    (query.operations === 'all' || modelOperations.has(call.operation)) &&
    (query.key === undefined || call.key_id === query.key) &&
    (query.user === undefined || call.user_id === query.user) &&
    (query.model === undefined || call.llm_model === query.model) &&
    (query.provider === undefined || call.provider === query.provider) &&
    (query.outcome === undefined || call.outcome === query.outcome) &&
    telemetry.timestamp_ms >= (query.fromMs ?? Number.NEGATIVE_INFINITY) &&
    telemetry.timestamp_ms < (query.toMs ?? Number.POSITIVE_INFINITY)
  )
}

function groupOf({ telemetry }: StoredRecord, name: UsageGroup, timeZone: string): string | null {
  const call = telemetry.metadata
  if (name === 'day') return new Intl.DateTimeFormat('sv-SE', { timeZone }).format(telemetry.timestamp_ms)
  if (name === 'hour') {
    const parts = new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      dateStyle: 'short',
      timeStyle: 'long',
    })
    const offset = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
      .format(telemetry.timestamp_ms)
      .split('GMT')[1]
    return `${parts.format(telemetry.timestamp_ms).slice(0, 13).replace(' ', 'T')}:00${offset === undefined || offset === '' || offset === '+00:00' ? 'Z' : offset}`
  }
  const values = {
    project: call.project_id,
    key: call.key_id,
    user: call.user_id,
    model: call.llm_model,
    provider: call.provider,
    outcome: call.outcome,
  }
  return values[name]
}
