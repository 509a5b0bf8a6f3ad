import type { RollupRow } from '../../records/rollup.ts'
import type { Db, Document, Driver } from './driver.ts'
import { insertOnce } from './insert.ts'

/** Stores totals: a row that is not there is added, an older total is replaced, a newer one stays. */
export async function storeRollups(driver: Driver, db: Db, rows: readonly RollupRow[]): Promise<void> {
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
  const [first] = refused
  if (first !== undefined) throw new Error(`MongoDB refused a total: ${first.message}`)
  const late = new Set(duplicates)
  await replaceOlder(
    db,
    documents.filter(({ _id, version }) => late.has(_id) || (versions.get(_id) ?? version) < version),
  )
}

async function storedVersions(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = await db
    .collection<{ _id: string; version: number }>('rollups')
    .find({ _id: { $in: [...ids] } }, { projection: { version: 1 } })
    .toArray()
  return new Map(found.map(({ _id, version }) => [_id, version]))
}

/** The filter, not what was read before, keeps newer totals: a write that was given up may arrive late. */
async function replaceOlder(db: Db, older: readonly Document[]): Promise<void> {
  if (older.length === 0) return
  await db.collection<{ _id: string; version: number }>('rollups').bulkWrite(
    older.map(({ _id, ...replacement }) => ({
      replaceOne: {
        filter: { _id: { $eq: String(_id) }, version: { $lt: Number(replacement.version) } },
        replacement: replacement as { version: number },
      },
    })),
    { ordered: false },
  )
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
