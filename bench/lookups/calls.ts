import type { RunRecord } from '../../src/records/llm-run.ts'
import type { Outcome } from '../../src/records/outcome.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { TelemetryMetadata, TelemetryRecord } from '../../src/records/telemetry.ts'
import { dayMs, hourMs } from '../../src/stores/rollups/levels.ts'

export const days = 90
export const startMs = Date.UTC(2026, 7, 1)
export const endMs = startMs + days * dayMs

const projects = 20
const keys = 200
const users = 2_000
const models = 12
const providers = 4

export const projectId = (project: number): string => `project-${project}`
/** As long as the ones the product makes. */
export const keyId = (key: number): string => `key-${key.toString().padStart(28, '0')}`
export const userId = (user: number): string => `user-${user}@example.com`
export const modelId = (model: number): string => `model-${model}`

/** The id of a call by its place and its moment: a UUIDv7 that is the same in every run. */
export function callId(place: number, atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${place.toString(16).padStart(12, '0')}`
}

/**
 * Calls of 90 days in the order they came, an hour at a time; the same calls in every run. Each user works with one key, about
 * 20 calls in a row, and each key belongs to one project and has three models; a few are busier than others, as are weekdays
 * and afternoons. 5 % fail. The fields that sums are made of are there, and stored as facts alone: ten million fit on a disk.
 */
export function* hoursOfCalls(count: number): Generator<readonly StoredRecord[]> {
  const below = numbers()
  let client = clientOf(below)
  const gaps = Array.from({ length: 500 }, () => Array.from({ length: 20 }, () => 10 + below(300) / 10))
  const weights = Array.from({ length: days * 24 }, (_, hour) => busyness(hour))
  const whole = weights.reduce((sum, weight) => sum + weight, 0)
  let place = 0
  let weighed = 0
  for (const [hour, weight] of weights.entries()) {
    weighed += weight
    const first = place
    const last = hour === weights.length - 1 ? count : Math.round((count * weighed) / whole)
    const stepMs = hourMs / (last - first)
    const records: StoredRecord[] = []
    for (; place < last; place++) {
      const atMs = startMs + hour * hourMs + Math.floor((place - first) * stepMs)
      if (below(callsInARow) === 0) client = clientOf(below)
      records.push(recordOf(callId(place, atMs), atMs, client, below, gaps))
    }
    yield records
  }
}

function busyness(hour: number): number {
  const weekday = new Date(startMs + hour * hourMs).getUTCDay() % 6 !== 0
  const daytime = 1 + Math.sin(((hour % 24) - 8) * (Math.PI / 12))
  return (weekday ? 1 : 0.3) * (0.2 + daytime)
}

type Below = (limit: number) => number

/** Mulberry32: it comes round after 2³² numbers only. */
function numbers(): Below {
  let state = 1
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/** One of them, the first ones much more often than the last. */
function busy(below: Below, limit: number): number {
  const share = below(1 << 20) / (1 << 20)
  return Math.floor(share * share * limit)
}

/** Of a hundred calls, how each of the first ones ended; the others went well. */
const failures: readonly (readonly [Outcome, number])[] = [
  ['upstream_error_http', 429],
  ['upstream_error_http', 500],
  ['upstream_error_http', 529],
  ['client_cut', 200],
  ['upstream_cut', 502],
]

const callsInARow = 20

interface Client {
  key: number
  user: number
  model: number
}

function clientOf(below: Below): Client {
  const key = busy(below, keys)
  const choice = below(10)
  return {
    key,
    user: key + keys * busy(below, users / keys),
    model: (key * 7 + (choice < 7 ? 0 : choice < 9 ? 1 : 5)) % models,
  }
}

function recordOf(
  id: string,
  atMs: number,
  { key, user, model }: Client,
  below: Below,
  gaps: readonly (readonly number[])[],
): StoredRecord {
  const [outcome, status] = failures[below(100)] ?? (['ok', 200] as const)
  const answered = outcome === 'ok'
  const streamed = answered && below(5) > 0
  const input = 50 + below(4_000)
  const output = answered ? 10 + below(800) : 0
  const latencyMs = 100 + below(200_000) / 10
  const metadata: LeanMetadata = {
    project_id: projectId(key % projects),
    key_id: keyId(key),
    user_id: userId(user),
    session_id: null,
    provider: `provider-${model % providers}`,
    llm_model: modelId(model),
    operation: 'chat',
    outcome,
    status_code: status,
    latency_ms: latencyMs,
    ttft_ms: streamed ? 50 + below(10_000) / 10 : null,
    prompt_tokens: answered ? input : null,
    completion_tokens: answered ? output : null,
    total_tokens: answered ? input + output : null,
    usage: null,
    token_source: answered ? 'reported' : 'none',
    cost_picodollars: answered ? `${(input + 4 * output) * (model + 1) * 50_000}` : null,
    request_size: 4 * input,
    response_size: 200 + 5 * output,
    output_tokens_per_second: streamed ? Math.round((output / latencyMs) * 1e5) / 100 : null,
  }
  return {
    telemetry: lean<TelemetryRecord>({ _id: id, timestamp_ms: atMs, metadata, toJSON: () => ({ _id: id }) }),
    run: lean<RunRecord>({ prompt: null, completion: null }),
    requestBytes: null,
    responseBytes: null,
    chunkTimes: null,
    gapsMs: streamed ? gaps[below(gaps.length)]! : [],
  }
}

type LeanMetadata = Partial<TelemetryMetadata>

/** A record that lacks what neither the writer nor the lookups look into. */
const lean = <Full>(fields: unknown): Full => fields as Full
