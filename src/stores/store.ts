import type { ConnectionEvent } from '../records/connection-log.ts'
import type { RunRecord } from '../records/llm-run.ts'
import type { Operation, Outcome } from '../records/outcome.ts'
import type { TelemetryRecord } from '../records/telemetry.ts'

/** Answers queries. Every method takes the project first: null means all of them (the admin's view). */
export interface Store {
  readonly name: string
  /** Grouped sums, from rollups where they can answer. Throws `Unanswerable` for a grouping no level holds. */
  usage(project: string | null, query: UsageQuery): Promise<UsageAnswer>
  runs(project: string | null, query: RunQuery): Promise<RunPage>
  run(project: string | null, id: string): Promise<RunDetail | null>
  /** The kept bytes of one body, decompressed to what was on the wire; null when the run is unknown or nothing was kept. */
  body(project: string | null, id: string, side: 'request' | 'response'): Promise<StoredBody | null>
  status(): Promise<StoreStatus>
  /** What happened to the databases and to those that use them, the newest first. */
  connectionEvents(limit: number): Promise<readonly ConnectionEvent[]>
  close(): Promise<void>
}

/** A question that this store cannot answer as asked: the API turns it into a 422 that names the parameter. */
export class Unanswerable extends Error {
  override name = 'Unanswerable'
  readonly parameter: string
  constructor(parameter: string, message: string) {
    super(message)
    this.parameter = parameter
  }
}

export const usageGroups = ['project', 'key', 'user', 'model', 'provider', 'outcome', 'hour', 'day'] as const
export type UsageGroup = (typeof usageGroups)[number]

export interface RecordFilter {
  key?: string
  user?: string
  model?: string
  provider?: string
  outcome?: Outcome
  /** Unix milliseconds: inclusive start, exclusive end. */
  fromMs?: number
  toMs?: number
}

export interface UsageQuery extends RecordFilter {
  groupBy: readonly UsageGroup[]
  /** IANA zone for `hour` and `day`; UTC by default. */
  timeZone?: string
  /** Model calls only (default), or everything including lists and probes. */
  operations?: 'model' | 'all'
  limit?: number
}

export interface UsageAnswer {
  groups: readonly UsageRow[]
  totals: UsageSums
  /** More groups exist than `limit` allowed. */
  truncated: boolean
}

export interface UsageRow extends UsageSums {
  /** The value of each grouping, by name: `{ project: 'a', day: '2026-11-21' }`; null where records have none. */
  group: Readonly<Partial<Record<UsageGroup, string | null>>>
}

/** Sums over calls. Tokens and cost are over calls that have them; `unpriced` and `estimated` count those that do not. */
export interface UsageSums {
  requests: number
  errors: number
  /** Calls whose tokens were estimated. */
  estimated: number
  /** Calls that used tokens and have no price. */
  unpriced: number
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  reasoning_tokens: number
  total_tokens: number
  /** Exact, in 10⁻¹² dollars, as decimal text. */
  cost_picodollars: string
  cost_usd: number
  request_bytes: number
  response_bytes: number
  /** From histograms with at most 1 % relative error; null without calls that have the value. */
  latency_ms: Distribution | null
  ttft_ms: Distribution | null
  inter_token_ms: Distribution | null
  output_tokens_per_second: number | null
}

export interface Distribution {
  mean: number
  p50: number
  p95: number
  p99: number
  max: number
}

export interface RunQuery extends RecordFilter {
  /** Model calls (default), all, or one operation. */
  operation?: Operation | 'model' | 'all'
  /** HTTP status the client was sent. */
  statusCode?: number
  status?: 'success' | 'error'
  session?: string
  /** Literal substring of prompt or completion, case-insensitive. */
  text?: string
  latencyMinMs?: number
  latencyMaxMs?: number
  tokensMin?: number
  tokensMax?: number
  limit: number
  /** Opaque, from the previous page. */
  cursor?: string
  /** Offset paging as contracts 2.1 has it; bounded. */
  skip?: number
}

export interface RunPage {
  items: readonly RunSummary[]
  nextCursor: string | null
  /** How many match, where that can be told cheaply; else null. */
  total: number | null
}

export interface RunSummary {
  telemetry: TelemetryRecord
  /** The beginning of what was said: at least 10,001 characters where there are so many. */
  prompt: string | null
  completion: string | null
}

export interface RunDetail {
  telemetry: TelemetryRecord
  run: RunRecord
  /** Pairs of (milliseconds since accepted, offset of the piece's end). */
  chunkTimes: readonly (readonly [number, number])[] | null
}

export interface StoredBody {
  bytes: Uint8Array
  truncated: boolean
  contentType: string | null
  contentEncoding: string | null
}

export interface StoreStatus {
  name: string
  schemaVersion: number
  counts: Readonly<Record<string, number>>
  sizeBytes: number | null
}
