import type { CallSums } from '../records/call-sums.ts'
import type { Purge, PurgeCounts } from '../records/purge.ts'
import type { Store } from './store.ts'

/** This machine's own store: it also knows what happened to this instance alone. */
export interface OwnStore extends Store {
  /** All calls since the data directory was made, as Prometheus text. */
  scrape(): Promise<string>
  /** The same in a few sums. */
  sums(nowMs: number): Promise<CallSums>
  /** How far a purge is carried out; null: there is none of that number. */
  purge(number: number): Promise<PurgeReport | null>
  /** The newest first; of those before a number, if one is given. */
  purges(limit: number, before: number | null): Promise<readonly PurgeReport[]>
  /** What retention has deleted since the data directory was made. */
  deleted(): Promise<DeletedCounts>
}

/** A purge and what became of it in every place that records go to. */
export interface PurgeReport extends Purge {
  parts: readonly PurgePart[]
}

export interface PurgePart {
  /** `embedded`, `csv`, or the name of a sink. */
  name: string
  /** Null: not yet. */
  doneMs: number | null
  /** What was deleted, so far; of a dry purge what would be. */
  counts: PurgeCounts
}

/** By age, and by the size of the file. */
export interface DeletedCounts {
  byAge: Readonly<Record<'bodies' | 'words' | 'records' | 'rollups' | 'connection_logs' | 'metrics', number>>
  bySize: Readonly<Record<'bodies' | 'records', number>>
}

/** The calls of one project, provider and model since the data directory was made; counters, so they only grow. */
export interface CallTotals {
  /** `other`: the rest of the provider's, beyond the names that are told apart. */
  project: string
  provider: string
  /** '' for calls without one. */
  model: string
  calls: number
  /** Lists, probes and whatever else is no model call; in none of the other numbers. */
  otherCalls: number
  errors: Readonly<Record<string, number>>
  estimated: number
  unpriced: number
  tokens: Readonly<Record<TokenKind, number>>
  costUsd: number
  latency: BucketCounts
  ttft: BucketCounts
  gaps: BucketCounts
}

export const tokenKinds = ['input', 'cached_input', 'cache_write', 'output', 'reasoning'] as const
export type TokenKind = (typeof tokenKinds)[number]

export interface BucketCounts {
  /** How many values are at most each of the bounds of `bucketBoundsMs`. */
  atMost: readonly number[]
  count: number
  sumMs: number
}

/** Upper bounds of the buckets, in milliseconds. */
export const bucketBoundsMs = {
  latency: [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000],
  ttft: [25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 60_000],
  gaps: [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000],
} as const
