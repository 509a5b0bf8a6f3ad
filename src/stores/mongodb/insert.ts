import type { Db, Document, Driver } from './driver.ts'
import { type Leftovers, leftoversOf } from './refusals.ts'

/**
 * Stores documents under ids of ours: an id that is there already counts as stored, and is among the `duplicates`.
 * Resolves with those that the server will never take as `refused`; rejects when it is to be tried again.
 */
export async function insertOnce(
  driver: Driver,
  db: Db,
  collection: string,
  documents: readonly Document[],
): Promise<Leftovers> {
  if (documents.length === 0) return none
  try {
    await db.collection(collection).insertMany([...documents], { ordered: false })
    return none
  } catch (error) {
    return sorted(db, collection, leftoversOf(driver, error, documents))
  }
}

const none: Leftovers = { refused: [], duplicates: [] }

/** A key that is there twice need not be the id: a unique index that somebody else made refuses the document for ever. */
async function sorted(db: Db, collection: string, { refused, duplicates }: Leftovers): Promise<Leftovers> {
  if (duplicates.length === 0) return { refused, duplicates }
  const found = await db
    .collection<{ _id: string }>(collection)
    .find({ _id: { $in: [...duplicates] } }, { projection: { _id: 1 } })
    .toArray()
  const stored = new Set(found.map(({ _id }) => _id))
  const message = `a unique index of ${collection} holds another document like it`
  const clashes = duplicates.filter((id) => !stored.has(id)).map((id) => ({ id, code: '11000', message }))
  return { refused: [...refused, ...clashes], duplicates: [...stored] }
}
