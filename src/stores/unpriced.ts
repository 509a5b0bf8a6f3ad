import type { TelemetryRecord } from '../records/telemetry.ts'
import { factsOfCall } from './rollups/facts.ts'
import { dayMs } from './rollups/levels.ts'
import type { RecordFilter, Store, UsageQuery } from './store.ts'

/** Calls of one model that used something and have no price. */
export interface UnpricedModel {
  /** Null where the question names a user: sums by user do not tell providers apart. */
  provider: string | null
  model: string | null
  calls: number
  /** What the record of the newest of them says; null where none of them was found among the newest of their day. */
  reason: string | null
  /** Its id. */
  call: string | null
}

export interface UnpricedAnswer {
  calls: number
  models: readonly UnpricedModel[]
  /** There are more models than these. */
  truncated: boolean
}

/** Which calls have no price, and why: counts from sums, reasons from one record for each of the models with most of them. */
export async function unpricedCalls(
  store: Pick<Store, 'usage' | 'runs'>,
  project: string | null,
  asked: RecordFilter & Pick<UsageQuery, 'operations'>,
): Promise<UnpricedAnswer> {
  const groupBy = asked.user === undefined ? (['day', 'provider', 'model'] as const) : (['day', 'model'] as const)
  const { groups, totals, truncated } = await store.usage(project, {
    ...asked,
    groupBy,
    timeZone: 'UTC',
    limit: mostRows,
  })
  const models = new Map<string, Counted>()
  for (const { group, unpriced } of groups) {
    if (unpriced === 0) continue
    const { provider = null, model = null, day } = group
    const name = JSON.stringify([provider, model])
    const startMs = Date.parse(`${day}T00:00:00Z`)
    const known = models.get(name)
    models.set(name, {
      ...{ provider, model, calls: (known?.calls ?? 0) + unpriced },
      newestDayMs: Math.max(known?.newestDayMs ?? startMs, startMs),
    })
  }
  const most = [...models.values()].sort((one, other) => other.calls - one.calls)
  return {
    calls: totals.unpriced,
    models: await Promise.all(most.slice(0, mostModels).map((counted) => explained(store, project, asked, counted))),
    truncated: truncated || most.length > mostModels,
  }
}

interface Counted {
  provider: string | null
  model: string | null
  calls: number
  newestDayMs: number
}

const mostRows = 10_000
const mostModels = 20
/** Of a day that has such calls, the newest of the model. */
const mostLookedAt = 20

async function explained(
  store: Pick<Store, 'runs'>,
  project: string | null,
  { operations = 'model', ...filter }: RecordFilter & Pick<UsageQuery, 'operations'>,
  { provider, model, calls, newestDayMs }: Counted,
): Promise<UnpricedModel> {
  const { items } = await store.runs(project, {
    ...filter,
    ...(provider !== null && { provider }),
    ...(model !== null && { model }),
    operation: operations,
    fromMs: Math.max(filter.fromMs ?? newestDayMs, newestDayMs),
    toMs: Math.min(filter.toMs ?? newestDayMs + dayMs, newestDayMs + dayMs),
    limit: mostLookedAt,
  })
  const call = items
    .map(({ telemetry }) => telemetry)
    .find((one) => one.metadata.llm_model === model && isUnpriced(one))
  return { provider, model, calls, reason: call?.metadata.unpriced_reason ?? null, call: call?._id ?? null }
}

const isUnpriced = (call: TelemetryRecord): boolean => factsOfCall(call, noGaps).unpriced
const noGaps = new Uint8Array(0)
