import { type CostUpdate, needsRun, type PricedRun, type RepriceFilter, type StoredCall } from '../repricing.ts'
import { connectionTo, type MongoAddress } from './connection.ts'
import { deadline, until } from './deadline.ts'
import { money, telemetryFrom } from './documents.ts'
import type { Db, Document, Driver } from './driver.ts'
import { equal, ofCalls, period } from './filters.ts'
import { inPieces } from './in-pieces.ts'
import { restored, storable } from './safe-values.ts'

/** The costs of calls that MongoDB holds. */
export interface MongoCosts {
  /** Calls of models that one data directory recorded, oldest first, from behind a place on; the last page has `next: null`. */
  page(
    instance: string,
    filter: RepriceFilter,
    after: CallPlace | null,
  ): Promise<{ calls: readonly StoredCall[]; next: CallPlace | null }>
  /** Writes new costs by id, of none only asks whether MongoDB is there; what is not there (any more) is passed over, and the same again changes nothing. */
  write(updates: readonly CostUpdate[]): Promise<void>
  close(): Promise<void>
}

export interface CallPlace {
  timestampMs: number
  id: string
}

const stepMs = 60_000

export interface MongoCostsOptions extends MongoAddress {
  /** Calls of one page. */
  pageCalls?: number
}

export function openMongoCosts({ pageCalls = 500, ...address }: MongoCostsOptions): MongoCosts {
  const connection = connectionTo(address)
  const within = <T>(work: (driver: Driver, db: Db, signal: AbortSignal) => Promise<T>): Promise<T> => {
    const signal = deadline(stepMs)
    return until(signal, async () => {
      const { driver, db } = await connection.open()
      return work(driver, db, signal)
    })
  }
  return {
    page: (instance, filter, after) =>
      within((_driver, db, signal) => page(db, instance, filter, after, pageCalls, signal)),
    async write(updates) {
      if (updates.length === 0) await within((_driver, db) => db.command({ ping: 1 }))
      await inPieces(updates, (some) => within((driver, db) => write(driver, db, some)))
    },
    close: () => connection.close(),
  }
}

async function write(driver: Driver, db: Db, updates: readonly CostUpdate[]): Promise<void> {
  await db.collection<{ _id: string }>('llm_runs').bulkWrite(updates.map(runUpdate), { ordered: false })
  const telemetry = updates.map((update) => telemetryUpdate(driver, update))
  await db.collection<{ _id: string }>('telemetry').bulkWrite(telemetry, { ordered: false })
}

async function page(
  db: Db,
  instance: string,
  { project, provider, model, fromMs, toMs }: RepriceFilter,
  after: CallPlace | null,
  pageCalls: number,
  signal: AbortSignal,
): ReturnType<MongoCosts['page']> {
  const filter: Document = {
    ...equal({ instance, 'derived.model_call': true }),
    ...ofCalls(project ?? null, {
      ...(model === undefined ? {} : { model }),
      ...(provider === undefined ? {} : { provider }),
    }),
    ...period('timestamp', fromMs, toMs),
  }
  const found = await db
    .collection('telemetry')
    .find(after === null ? filter : { $and: [filter, behind(after)] }, {
      sort: { timestamp: 1, _id: 1 },
      limit: pageCalls,
      signal,
    })
    .toArray()
  const calls = found.map(telemetryFrom)
  const old = calls.filter(needsRun).map(({ _id }) => _id)
  const runs = old.length === 0 ? new Map<string, PricedRun>() : await runsOf(db, old, signal)
  const last = calls.length < pageCalls ? undefined : calls.at(-1)
  return {
    calls: calls.map((telemetry) => ({ telemetry, run: runs.get(telemetry._id) ?? null })),
    next: last === undefined ? null : { timestampMs: last.timestamp_ms, id: last._id },
  }
}

const behind = ({ timestampMs, id }: CallPlace): Document => ({
  $or: [{ timestamp: { $gt: new Date(timestampMs) } }, { timestamp: { $eq: new Date(timestampMs) }, _id: { $gt: id } }],
})

async function runsOf(db: Db, ids: readonly string[], signal: AbortSignal): Promise<Map<string, PricedRun>> {
  const runs = await db
    .collection<{ _id: string }>('llm_runs')
    .find({ _id: { $in: [...ids] } }, { projection: { service_tier: 1, raw_usage: 1, bill: 1 }, signal })
    .toArray()
  return new Map(runs.map((run) => [run._id, restored(run) as PricedRun]))
}

const ofId = (id: string) => ({ _id: { $eq: id } })

const runUpdate = ({ id, cost: { fields, bill } }: CostUpdate) => ({
  updateOne: { filter: ofId(id), update: { $set: { cost_usd: fields.cost_usd, bill: storable(bill) } as Document } },
})

function telemetryUpdate(driver: Driver, { id, cost: { fields } }: CostUpdate) {
  const picodollars = fields.cost_picodollars === null ? null : BigInt(fields.cost_picodollars)
  const stored: Document = { ...fields, cost_picodollars: money(driver, picodollars) }
  const set = Object.fromEntries(Object.entries(stored).map(([name, value]) => [`metadata.${name}`, value]))
  return { updateOne: { filter: ofId(id), update: { $set: set } } }
}
