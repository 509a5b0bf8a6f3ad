import { type PurgingSink, Refused, type RefusedId, type RollupSink } from '../../delivery/sink.ts'
import type { Log } from '../../lib/log.ts'
import type { StoredRecord } from '../../records/stored.ts'
import type { CollectionName, Retention } from './collections.ts'
import { type Connection, connectionTo, type MongoAddress } from './connection.ts'
import { deadline, until } from './deadline.ts'
import { documentsOf, type RecordDocuments } from './documents.ts'
import type { Db, Driver } from './driver.ts'
import { housekeeper } from './housekeeping.ts'
import { insertOnce } from './insert.ts'
import { purgeSome } from './purge.ts'
import { storeRollups } from './rollup-documents.ts'
import { setUp } from './setup.ts'

export interface MongoSinkOptions extends MongoAddress {
  /** This data directory's own id. */
  instance: string
  /** Days by collection; what is not named is kept for ever. */
  retention?: Retention
  /** Days that the bytes of requests and answers are kept; 0: as long as their runs. */
  bodiesDays?: number
  /** Names the pepper without telling it. */
  pepperId?: string | null
  log: Log
  /** The longest a batch may take, the first one's set-up included. */
  writeMs?: number
  /** How often old documents are deleted where the server does not do it. */
  purgeEveryMs?: number
  now?: () => number
}

const batchDocuments = 1000
const batchBytes = 8 * 1024 * 1024

/** MongoDB as a place to deliver to. Nothing happens before the first batch; set-up is part of it. */
export function openMongoSink(options: MongoSinkOptions): RollupSink & PurgingSink {
  const { writeMs = 30_000 } = options
  const connection = connectionTo(options)
  const housekeeping = housekeeper(options)
  const oneByOne = queue()
  const onTheirWay = new Set<Promise<unknown>>()
  let setup: Promise<Database> | null = null

  const ready = async (): Promise<Database> => {
    setup ??= prepare(connection, options)
    try {
      const database = await setup
      housekeeping.start(database.db, database)
      return database
    } catch (error) {
      setup = null
      throw error
    }
  }

  /** Work that is given up may go on behind the back of whoever waited for it. */
  const tracked = <T>(work: () => Promise<T>): Promise<T> => {
    const going = work()
    const ended = going.catch(() => {}) // told to whom it concerns
    onTheirWay.add(ended)
    void ended.then(() => onTheirWay.delete(ended))
    return going
  }

  return {
    name: 'mongodb',
    async write(batch, signal) {
      signal.throwIfAborted()
      if (batch.length === 0) return
      const refused = await until(deadline(writeMs, signal), () =>
        tracked(async () => {
          const { driver, db } = await ready()
          return storeAll(driver, db, batch)
        }),
      )
      tell(refused, `${batch.length} records`)
    },
    async writeRollups(rows, signal) {
      signal.throwIfAborted()
      if (rows.length === 0) return
      const refused = await until(deadline(writeMs, signal), async () => {
        const { driver, db } = await ready()
        return oneByOne(() => storeRollups(driver, db, rows))
      })
      tell(refused, `${rows.length} totals`)
    },
    purge: (purge, signal) =>
      until(deadline(writeMs, signal), async () => {
        while (onTheirWay.size > 0) await Promise.all(onTheirWay)
        signal.throwIfAborted()
        const { db } = await ready()
        return oneByOne(() => purgeSome(db, options.instance, purge, signal))
      }),
    async check(signal) {
      await until(deadline(writeMs, signal), async () => {
        const { db } = await ready()
        await db.command({ ping: 1 })
      })
    },
    async close() {
      housekeeping.stop()
      await connection.close()
    },
  }
}

function tell(refused: readonly RefusedId[], what: string): void {
  const [first] = refused
  if (first !== undefined)
    throw new Refused(`MongoDB refused ${refused.length} of ${what}: ${first.message}`, { refused })
}

/** Work begins when the work before it is over, also where nobody waits for that any more. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => {}) // told to whom it concerns
    return mine
  }
}

interface Database {
  driver: Driver
  db: Db
  /** Collections of somebody else, and of ours those whose documents the server does not delete. */
  foreign: readonly CollectionName[]
  toPurge: readonly CollectionName[]
}

async function prepare(connection: Connection, options: MongoSinkOptions): Promise<Database> {
  const { driver, db } = await connection.open()
  const { foreign, toPurge } = await setUp(
    { run: (command) => db.command(command) },
    {
      retention: options.retention ?? {},
      instance: options.instance,
      pepperId: options.pepperId ?? null,
      log: options.log,
      now: options.now ?? Date.now,
    },
  )
  return { driver, db, foreign, toPurge }
}

/** The run goes first: a call that is listed has its run. */
async function storeAll(driver: Driver, db: Db, batch: readonly StoredRecord[]): Promise<readonly RefusedId[]> {
  const refused: RefusedId[] = []
  for (const part of parts(driver, batch, refused)) {
    const runs = await insertOnce(
      driver,
      db,
      'llm_runs',
      part.map(({ run }) => run),
    )
    const without = new Set(runs.refused.map(({ id }) => id))
    const calls = part.map(({ telemetry }) => telemetry).filter(({ _id }) => !without.has(String(_id)))
    const telemetry = await insertOnce(driver, db, 'telemetry', calls)
    refused.push(...runs.refused, ...telemetry.refused)
  }
  return refused
}

/** The batch as documents, in pieces that a server takes at once; what no document can hold joins `refused`. */
function* parts(driver: Driver, batch: readonly StoredRecord[], refused: RefusedId[]): Generator<RecordDocuments[]> {
  let part: RecordDocuments[] = []
  let bytes = 0
  for (const record of batch) {
    const documents = mapped(driver, record, refused)
    if (documents === null) continue
    if (part.length === batchDocuments || (part.length > 0 && bytes + documents.bytes > batchBytes)) {
      yield part
      part = []
      bytes = 0
    }
    part.push(documents)
    bytes += documents.bytes
  }
  if (part.length > 0) yield part
}

function mapped(driver: Driver, record: StoredRecord, refused: RefusedId[]): RecordDocuments | null {
  try {
    return documentsOf(driver, record)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    refused.push({ id: record.telemetry._id, code: 'unmappable', message: error.message })
    return null
  }
}
