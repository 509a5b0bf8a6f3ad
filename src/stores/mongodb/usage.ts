import { type CallFacts, factFields, factsOfCall } from '../rollups/facts.ts'
import { Groups, recordLimit, tooMany } from '../rollups/groups.ts'
import { dayMs, type Level } from '../rollups/levels.ts'
import { type Source, type Span, spans } from '../rollups/plan.ts'
import { addCall, mergeEncodedSums } from '../rollups/sums.ts'
import { type Zone, zoneOf } from '../rollups/zone.ts'
import type { UsageAnswer, UsageQuery } from '../store.ts'
import { moneyText } from './documents.ts'
import { bytesIn, type Db, type Document } from './driver.ts'
import { equal, ofCalls, periods } from './filters.ts'
import { restored } from './safe-values.ts'

/** How a question may read: until when, and for how long the server works on one part of it. */
export interface Patience {
  signal: AbortSignal
  maxTimeMS: number
}

/** Grouped sums: the totals of all instances, and the records at edges that no total fits, added up here. */
export async function usage(
  db: Db,
  project: string | null,
  query: UsageQuery,
  patience: Patience,
): Promise<UsageAnswer> {
  const groups = new Groups(query)
  let read = 0
  for (const { source, spans } of await plan(db, project, query, groups.zone, patience)) {
    if (source === 'records') {
      for await (const call of callsIn(db, project, query, spans, patience)) {
        if (++read > recordLimit) throw tooMany(query)
        addCall(groups.sumsOf({ ...call }, call.timestampMs), call)
      }
    } else {
      for await (const row of rollupsIn(db, project, query, spans, source, patience)) {
        const sums = bytesIn(row.sums)
        if (sums !== null) mergeEncodedSums(groups.sumsOf(row, startMs(row)), sums)
      }
    }
  }
  return groups.answer()
}

/** How many calls match, when totals alone can tell; else null. */
export async function countCalls(
  db: Db,
  project: string | null,
  query: UsageQuery,
  patience: Patience,
): Promise<number | null> {
  const planned = await plan(db, project, query, zoneOf('UTC'), patience)
  let requests = 0
  for (const { source, spans } of planned) {
    if (source === 'records') return null
    for await (const row of rollupsIn(db, project, query, spans, source, patience)) requests += Number(row.requests)
  }
  return requests
}

/** What one question to the server can answer: all spans of a source, as long as they are not too many. */
interface Part {
  source: Source
  spans: readonly Span[]
}

const partSpans = 100

function* partsOf(spans: Iterable<Span>): Generator<Part> {
  const bySource = Map.groupBy(spans, ({ source }) => source)
  for (const [source, all] of bySource)
    for (let at = 0; at < all.length; at += partSpans) yield { source, spans: all.slice(at, at + partSpans) }
}

/** The spans that answer the query, within the days that have calls. */
async function plan(
  db: Db,
  project: string | null,
  query: UsageQuery,
  zone: Zone,
  patience: Patience,
): Promise<readonly Part[]> {
  const days = equal({ level: 'model_day', project })
  const edge = async (order: 1 | -1): Promise<number | null> => {
    const found = await db
      .collection('rollups')
      .findOne(days, { sort: { start: order }, projection: { start: 1 }, ...patience })
    return found === null ? null : startMs(found)
  }
  const first = await edge(1)
  const last = await edge(-1)
  if (first === null || last === null) return []
  const fromMs = Math.max(query.fromMs ?? first, first)
  const toMs = Math.min(query.toMs ?? last + dayMs, last + dayMs)
  return [...partsOf(spans(query, zone, fromMs, toMs))]
}

/** The rows' fields are named after the groupings, `owner` after what it is on that level. */
async function* rollupsIn(
  db: Db,
  project: string | null,
  query: UsageQuery,
  spans: readonly Span[],
  level: Level,
  patience: Patience,
): AsyncGenerator<Document> {
  const owner = level === 'user_day' ? 'user' : 'key'
  const filter = {
    ...equal({
      level,
      project,
      owner: level === 'user_day' ? query.user : query.key,
      model: query.model,
      provider: query.provider,
      outcome: query.outcome,
      model_call: query.operations === 'all' ? undefined : true,
    }),
    ...periods('start', spans),
  }
  const projection = { _id: 0, start: 1, project: 1, owner: 1, provider: 1, model: 1, outcome: 1, requests: 1, sums: 1 }
  const rows = db.collection('rollups').find(filter, { projection, batchSize: 1000, ...patience })
  for await (const row of rows) yield { ...row, [owner]: row.owner }
}

/** One more than the limit at most, so that the reader notices. */
async function* callsIn(
  db: Db,
  project: string | null,
  query: UsageQuery,
  spans: readonly Span[],
  patience: Patience,
): AsyncGenerator<CallFacts> {
  const filter = {
    ...ofCalls(project, query),
    ...periods('timestamp', spans),
    ...equal({ 'derived.model_call': query.operations === 'all' ? undefined : true }),
  }
  const calls = db
    .collection('telemetry')
    .find(filter, { projection: factProjection, batchSize: 1000, limit: recordLimit + 1, ...patience })
  for await (const call of calls) yield factsFrom(call)
}

const factProjection = {
  timestamp: 1,
  'derived.inter_token_histogram': 1,
  ...Object.fromEntries(factFields.map((name) => [`metadata.${name}`, 1])),
}

function factsFrom({ _id, timestamp, metadata, derived }: Document): CallFacts {
  return factsOfCall(
    {
      _id: String(_id),
      timestamp_ms: momentMs(timestamp),
      metadata: {
        ...(restored(metadata) as Parameters<typeof factsOfCall>[0]['metadata']),
        cost_picodollars: moneyText(metadata),
      },
    },
    bytesIn(derived?.inter_token_histogram) ?? new Uint8Array(0),
  )
}

const startMs = ({ start }: Document): number => momentMs(start)

function momentMs(date: unknown): number {
  if (date instanceof Date) return date.getTime()
  throw new TypeError('a document of ours has no date')
}
