import type { BodyFacts } from '../../records/llm-run.ts'
import { withoutBytes } from '../without-words.ts'
import { type CollectionName, collections, expiryOf, type Retention } from './collections.ts'
import type { Db } from './driver.ts'

const stepDocuments = 1000

/** Deletes what is older than the retention where the server does not do it by itself, in small steps; how much it was. */
export async function deleteExpired(
  db: Db,
  names: readonly CollectionName[],
  retention: Retention,
  now: number,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0
  for (const name of names) {
    const seconds = expiryOf(name, retention)
    const field = collections[name].expiresBy
    if (seconds === null || field === null) continue
    const collection = db.collection<{ _id: string }>(name)
    const old = { [field]: { $lt: new Date(now - seconds * 1000) } }
    for (let found = stepDocuments; found === stepDocuments; ) {
      signal.throwIfAborted()
      const step = await collection.find(old, { projection: { _id: 1 }, limit: stepDocuments, signal }).toArray()
      found = step.length
      if (found > 0) deleted += (await collection.deleteMany({ _id: { $in: step.map(({ _id }) => _id) } })).deletedCount
    }
  }
  return deleted
}

/**
 * Takes the bytes of requests and answers from the runs of a time, in small steps: no server does that by itself. How many runs
 * lost some.
 */
export async function forgetBodies(db: Db, fromMs: number, toMs: number, signal: AbortSignal): Promise<number> {
  const runs = db.collection<StoredRun>('llm_runs')
  const old = {
    timestamp: { $gte: new Date(fromMs), $lt: new Date(toMs) },
    $or: byteFields.map((name) => ({ [name]: { $ne: null } })),
  }
  const projection = { request_body: 1, response_body: 1 }
  let forgotten = 0
  for (let found = stepDocuments; found === stepDocuments; ) {
    signal.throwIfAborted()
    const step = await runs.find(old, { projection, limit: stepDocuments, signal }).toArray()
    found = step.length
    if (found === 0) break
    const updates = step.map(({ _id, request_body, response_body }) => ({
      updateOne: {
        filter: { _id },
        update: { $set: { ...noBytes, ...bare({ request_body, response_body }) } },
      },
    }))
    forgotten += (await runs.bulkWrite(updates, { ordered: false })).modifiedCount
  }
  return forgotten
}

interface StoredRun {
  _id: string
  timestamp: Date
  request_body?: BodyFacts | undefined
  response_body?: BodyFacts | undefined
  request_bytes: unknown
  response_bytes: unknown
  chunk_times: unknown
}

const byteFields = ['request_bytes', 'response_bytes', 'chunk_times'] as const
const noBytes = { request_bytes: null, response_bytes: null, chunk_times: null }

const bare = (facts: Pick<StoredRun, 'request_body' | 'response_body'>): object =>
  Object.fromEntries(Object.entries(facts).flatMap(([name, body]) => (body ? [[name, withoutBytes(body)]] : [])))
