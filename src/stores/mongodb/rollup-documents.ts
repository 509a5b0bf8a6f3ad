import type { RefusedId } from '../../delivery/sink.ts'
import type { RollupRow } from '../../records/rollup.ts'
import type { Db, Document, Driver } from './driver.ts'
import { inPieces } from './in-pieces.ts'
import { insertOnce } from './insert.ts'
import { leftoversOf } from './refusals.ts'

/**
 * Stores totals: a row that is not there is added, an older total is replaced, a newer one stays. Resolves with those that the
 * server will never take.
 */
export async function storeRollups(driver: Driver, db: Db, rows: readonly RollupRow[]): Promise<readonly RefusedId[]> {
  const newest = new Map<string, RollupRow>()
  for (const row of rows) if ((newest.get(row.id)?.version ?? -1) < row.version) newest.set(row.id, row)
  const documents = [...newest.values()].map((row) => rollupDocument(driver, row))
  const versions = await storedVersions(db, [...newest.keys()])
  const { refused, duplicates } = await insertOnce(
    driver,
    db,
    'rollups',
    documents.filter(({ _id }) => !versions.has(_id)),
  )
  const late = new Set(duplicates)
  const older = documents.filter(({ _id, version }) => late.has(_id) || (versions.get(_id) ?? version) < version)
  return [...refused, ...(await replaceOlder(driver, db, older))]
}

async function storedVersions(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = await db
    .collection<{ _id: string; version: number }>('rollups')
    .find({ _id: { $in: [...ids] } }, { projection: { version: 1 } })
    .toArray()
  return new Map(found.map(({ _id, version }) => [_id, version]))
}

/** The filter, not what was read before, keeps newer totals: a write that was given up may arrive late. */
async function replaceOlder(driver: Driver, db: Db, older: readonly Document[]): Promise<readonly RefusedId[]> {
  const refused: RefusedId[] = []
  await inPieces(older, async (piece) => {
    const replacements = piece.map(({ _id, ...replacement }) => ({
      replaceOne: {
        filter: { _id: { $eq: String(_id) }, version: { $lt: Number(replacement.version) } },
        replacement: replacement as { version: number },
      },
    }))
    try {
      await db.collection<{ _id: string; version: number }>('rollups').bulkWrite(replacements, { ordered: false })
    } catch (error) {
      refused.push(...leftoversOf(driver, error, piece).refused)
    }
  })
  return refused
}

const rollupDocument = (driver: Driver, row: RollupRow): Document => ({
  _id: row.id,
  version: row.version,
  instance: row.instance,
  level: row.level,
  start: new Date(row.startMs),
  project: row.project,
  owner: row.owner,
  provider: row.provider,
  model: row.model,
  outcome: row.outcome,
  model_call: row.modelCall,
  requests: row.requests,
  sums: new driver.Binary(row.sums),
})
