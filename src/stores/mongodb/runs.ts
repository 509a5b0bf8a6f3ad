import { countedInRollups } from '../rollups/counted.ts'
import { type RunPage, type RunQuery, type RunSummary, Unanswerable } from '../store.ts'
import { telemetryFrom } from './documents.ts'
import type { Db, Document } from './driver.ts'
import { equal, ofCalls, period, range } from './filters.ts'
import { codeOf } from './server.ts'
import { countCalls, type Patience } from './usage.ts'

export const skipLimit = 10_000
const pageLimit = 1000
/** One more than a list shows of a text, so that it can say there is more. */
const summaryCharacters = 10_001
/** Calls whose texts are searched in one step. */
const stepCalls = 500
/** A page whose text is found rarely ends after this time, with a cursor that goes on where it stopped. */
const scanMs = 1500
/** Up to this many calls are counted to tell a total. */
const countLimit = 10_000
const tooLong = 50

/** Calls, newest first, by keyset: the cursor is the place of the last call seen, so calls that arrive meanwhile move nothing. */
export async function runs(db: Db, project: string | null, query: RunQuery, patience: Patience): Promise<RunPage> {
  const skip = query.skip ?? 0
  if (skip > skipLimit) throw new Unanswerable('skip', `skip=${skip}: at most ${skipLimit}; page on with cursor`)
  const wanted: Wanted = {
    filter: conditionsOf(project, query),
    place: query.cursor === undefined ? null : parseCursor(query.cursor),
    skip,
    limit: Math.max(1, Math.min(query.limit, pageLimit)),
  }
  try {
    const { calls, next } = await (query.text
      ? holding(db, wanted, query.text, patience)
      : listed(db, wanted, patience))
    return {
      items: await summaries(db, calls, patience),
      nextCursor: next === null ? null : cursorAt(next),
      total: await total(db, project, query, wanted.filter, patience),
    }
  } catch (error) {
    if (codeOf(error) !== tooLong) throw error
    const message = `the database needs more than ${patience.maxTimeMS} ms for this: give a shorter time`
    throw new Unanswerable('from', message)
  }
}

interface Wanted {
  filter: Document
  place: Place | null
  skip: number
  limit: number
}

async function listed(db: Db, { filter, place, skip, limit }: Wanted, patience: Patience): Promise<Page> {
  return pageOf(await callsAfter(db, filter, place, skip, limit + 1, patience), limit)
}

/** Step by step, for texts stand in another collection. */
async function holding(db: Db, wanted: Wanted, text: string, patience: Patience): Promise<Page> {
  const { filter, skip, limit } = wanted
  const until = performance.now() + scanMs
  const calls: Document[] = []
  let { place } = wanted
  let skipped = 0
  for (;;) {
    const step = await callsAfter(db, filter, place, 0, stepCalls, patience)
    const found = await idsHolding(db, step, text, patience)
    for (const call of step) {
      if (found.has(String(call._id)) && ++skipped > skip) calls.push(call)
      if (calls.length > limit) return pageOf(calls, limit)
      place = placeOf(call)
    }
    if (step.length < stepCalls) return { calls, next: null }
    if (performance.now() > until) return { calls, next: place }
  }
}

interface Page {
  calls: readonly Document[]
  /** Where the next page begins; null when there is none. */
  next: Place | null
}

const pageOf = (calls: readonly Document[], limit: number): Page => {
  const last = calls[limit - 1]
  return { calls: calls.slice(0, limit), next: calls.length > limit && last ? placeOf(last) : null }
}

const callsAfter = (
  db: Db,
  filter: Document,
  place: Place | null,
  skip: number,
  limit: number,
  patience: Patience,
): Promise<Document[]> =>
  db
    .collection('telemetry')
    .find(place === null ? filter : { $and: [filter, behind(place)] }, {
      sort: { timestamp: -1, _id: -1 },
      skip,
      limit,
      ...patience,
    })
    .toArray()

const behind = ({ timestampMs, id }: Place): Document => ({
  $or: [{ timestamp: { $lt: new Date(timestampMs) } }, { timestamp: { $eq: new Date(timestampMs) }, _id: { $lt: id } }],
})

function conditionsOf(project: string | null, query: RunQuery): Document {
  const operation = query.operation ?? 'model'
  return {
    ...ofCalls(project, query),
    ...period('timestamp', query.fromMs, query.toMs),
    ...equal({
      'metadata.session_id': query.session,
      'metadata.status_code': query.statusCode,
      'metadata.operation': operation === 'model' || operation === 'all' ? undefined : operation,
      'derived.model_call': operation === 'model' ? true : undefined,
      'derived.error': query.status === undefined ? undefined : query.status === 'error',
    }),
    ...range('metadata.latency_ms', query.latencyMinMs, query.latencyMaxMs),
    ...range('derived.total_tokens', query.tokensMin, query.tokensMax),
  }
}

/** The text is searched for as it stands: every character of it that means something to a pattern is escaped. */
async function idsHolding(
  db: Db,
  calls: readonly Document[],
  text: string,
  patience: Patience,
): Promise<ReadonlySet<string>> {
  if (calls.length === 0) return new Set()
  const literal = { $regex: literalPattern(text), $options: 'i' }
  const holding = await db
    .collection<{ _id: string }>('llm_runs')
    .find(
      { _id: { $in: calls.map(({ _id }) => String(_id)) }, $or: [{ prompt: literal }, { completion: literal }] },
      { projection: { _id: 1 }, ...patience },
    )
    .toArray()
  return new Set(holding.map(({ _id }) => _id))
}

export const literalPattern = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replaceAll('\0', '\\x00')

/** Texts are long: they come in small batches, and only the beginning of each is kept. */
async function summaries(db: Db, calls: readonly Document[], patience: Patience): Promise<RunSummary[]> {
  const texts = new Map<string, Pick<RunSummary, 'prompt' | 'completion'>>()
  const said = db
    .collection<{ _id: string; prompt: unknown; completion: unknown }>('llm_runs')
    .find(
      { _id: { $in: calls.map(({ _id }) => String(_id)) } },
      { projection: { prompt: 1, completion: 1 }, batchSize: 20, ...patience },
    )
  for await (const { _id, prompt, completion } of said)
    texts.set(_id, { prompt: beginning(prompt), completion: beginning(completion) })
  return calls.map((call) => ({
    telemetry: telemetryFrom(call),
    ...(texts.get(String(call._id)) ?? { prompt: null, completion: null }),
  }))
}

const beginning = (text: unknown): string | null => (typeof text === 'string' ? text.slice(0, summaryCharacters) : null)

async function total(
  db: Db,
  project: string | null,
  query: RunQuery,
  filter: Document,
  patience: Patience,
): Promise<number | null> {
  if (query.text !== undefined && query.text !== '') return null
  const operations = countedInRollups(query)
  if (operations !== null) {
    const counted = await countCalls(db, project, { ...query, groupBy: [], operations }, patience)
    if (counted !== null) return counted
  }
  try {
    const count = await db.collection('telemetry').countDocuments(filter, { limit: countLimit + 1, ...patience })
    return count > countLimit ? null : count
  } catch (error) {
    if (codeOf(error) === tooLong) return null
    throw error
  }
}

interface Place {
  timestampMs: number
  id: string
}

const placeOf = ({ timestamp, _id }: Document): Place => ({ timestampMs: Number(timestamp), id: String(_id) })

const cursorAt = ({ timestampMs, id }: Place): string => Buffer.from(`${timestampMs}:${id}`).toString('base64url')

/** Unlike those of the embedded database, with which it must not be mixed up. */
function parseCursor(cursor: string): Place {
  const [, timestampMs, id] = /^(\d{1,16}):(.{1,200})$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (timestampMs === undefined || id === undefined)
    throw new Unanswerable('cursor', `cursor=${cursor}: not one of ours; begin without a cursor`)
  return { timestampMs: Number(timestampMs), id }
}
