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
