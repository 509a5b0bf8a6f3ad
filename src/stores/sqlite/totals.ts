import type { DatabaseSync } from 'node:sqlite'
import type { CallSums } from '../../records/call-sums.ts'
import { type BucketCounts, bucketBoundsMs, type CallTotals } from '../own-store.ts'
import type { Histogram } from '../rollups/histogram.ts'
import { emptySums, mergeEncodedSums, type Sums } from '../rollups/sums.ts'
import { bytesOf } from './record-rows.ts'

interface Told {
  project: string
  provider: string
  model: string
  sums: Sums
  errors: Record<string, number>
  otherCalls: number
}

/**
 * The totals under a bounded number of names: at first those with the most calls. Who was told apart once stays so until the
 * thread ends, and all others are `other` for so long: a counter that changed its name would seem to fall.
 */
export function totalsReader(database: DatabaseSync, limit = 100): () => CallTotals[] {
  const told = new Set<string>()
  const names = database.prepare(
    `SELECT project, provider, model FROM totals WHERE project <> '' AND model_call = 1
     GROUP BY project, provider, model ORDER BY sum(requests) DESC LIMIT ?`,
  )
  const rows = database.prepare('SELECT project, provider, model, outcome, model_call, sums FROM totals')
  return () => {
    for (const { project, provider, model } of names.all(limit)) {
      if (told.size >= limit) break
      told.add(nameOf(cut(project), cut(provider), cut(model)))
    }
    const found = new Map<string, Told>()
    for (const row of rows.iterate()) {
      const [project, provider, model] = [cut(row.project), cut(row.provider), cut(row.model)]
      const isTold = told.has(nameOf(project, provider, model))
      const key = isTold ? { project, provider, model } : { project: other, provider, model: other }
      const name = nameOf(key.project, key.provider, key.model)
      let entry = found.get(name)
      if (entry === undefined) {
        entry = { ...key, sums: emptySums(), errors: {}, otherCalls: 0 }
        found.set(name, entry)
      }
      const sums = row.model_call === 1 ? entry.sums : emptySums()
      const errors = sums.counts.errors
      mergeEncodedSums(sums, bytesOf(row.sums))
      if (row.model_call !== 1) entry.otherCalls += sums.counts.requests
      else if (sums.counts.errors > errors)
        entry.errors[String(row.outcome)] = (entry.errors[String(row.outcome)] ?? 0) + sums.counts.errors - errors
    }
    return [...found.values()].map(callTotals)
  }
}

const other = 'other'
const longest = 100
const cut = (name: unknown): string => {
  const text = String(name)
  return text.length <= longest ? text : `${text.slice(0, longest - 1).toWellFormed()}…`
}
const nameOf = (...names: string[]): string => names.join('\0')

function callTotals({ sums, ...names }: Told): CallTotals {
  const { counts } = sums
  return {
    ...names,
    calls: counts.requests,
    estimated: counts.estimated,
    unpriced: counts.unpriced,
    tokens: {
      input: counts.input_tokens,
      cached_input: counts.cached_input_tokens,
      cache_write: counts.cache_write_tokens,
      output: counts.output_tokens,
      reasoning: counts.reasoning_tokens,
    },
    costUsd: Number(sums.picodollars) / 1e12,
    latency: buckets(sums.latency, bucketBoundsMs.latency),
    ttft: buckets(sums.ttft, bucketBoundsMs.ttft),
    gaps: buckets(sums.gaps, bucketBoundsMs.gaps),
  }
}

const buckets = (values: Histogram, bounds: readonly number[]): BucketCounts => ({
  atMost: values.countsUpTo(bounds),
  count: values.count,
  sumMs: values.sumUs / 1_000,
})

/** All calls in a few sums. `nowMs` ends the last hour. */
export function callSums(database: DatabaseSync, nowMs: number): CallSums {
  const all = emptySums()
  let modelCalls = 0
  for (const { model_call, requests, sums } of database
    .prepare('SELECT model_call, requests, sums FROM totals')
    .iterate()) {
    mergeEncodedSums(all, bytesOf(sums))
    if (model_call === 1) modelCalls += Number(requests)
  }
  const lastHour = database
    .prepare('SELECT count(*) AS calls FROM telemetry WHERE timestamp_ms > ? AND timestamp_ms <= ?')
    .get(nowMs - 3_600_000, nowMs)
  const { requests, errors, total_tokens } = all.counts
  return {
    requests_total: requests,
    requests_last_hour: Number(lastHour?.calls ?? 0),
    avg_latency_ms: requests === 0 ? null : all.latency.meanMs,
    error_rate: requests === 0 ? null : errors / requests,
    token_usage_total: total_tokens,
    llm_runs_total: modelCalls,
  }
}
