import { setImmediate as turn } from 'node:timers/promises'
import { type PurgingSink, Refused, type RefusedId, type RollupSink, type Sink } from '../../delivery/sink.ts'
import type { Log } from '../../lib/log.ts'
import type { DiaryCollection, DiaryEntry } from '../../records/diary-entry.ts'
import type { StoredRecord } from '../../records/stored.ts'
import type { CollectionName, Retention } from './collections.ts'
import { type Connection, connectionTo, type MongoAddress } from './connection.ts'
import { deadline, until } from './deadline.ts'
import { storeDiary } from './diary.ts'
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

/** Parts of a batch that are on their way at once. */
const lanes = 4
/** Fewer records are not worth an insert of their own. */
const leastPart = 50
const partBytes = 8 * 1024 * 1024

export interface MongoSink extends RollupSink, PurgingSink {
  /** A collection of the diary as a sink of its own, over the same connections. */
  diary(collection: DiaryCollection): Sink<DiaryEntry>
}

/** MongoDB as a place to deliver to. Nothing happens before the first batch; set-up is part of it. */
export function openMongoSink(options: MongoSinkOptions): MongoSink {
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
    diary: (collection) => ({
      name: `mongodb ${collection}`,
      async write(entries, signal) {
        signal.throwIfAborted()
        if (entries.length === 0) return
        const refused = await until(deadline(writeMs, signal), async () => {
          const { driver, db } = await ready()
          return storeDiary(driver, db, collection, entries)
        })
        tell(refused, `${entries.length} entries of ${collection}`)
      },
      async close() {}, // with the sink of the records
    }),
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

/** While the server works on some parts of the batch, the next ones are made. After a failure no other part is begun. */
async function storeAll(driver: Driver, db: Db, batch: readonly StoredRecord[]): Promise<readonly RefusedId[]> {
  const refused: RefusedId[] = []
  const left = parts(driver, batch, refused)
  const failures: unknown[] = []
  const lane = async (): Promise<void> => {
    try {
      for (const part of left) refused.push(...(await storePart(driver, db, part)))
    } catch (error) {
      failures.push(error)
    }
  }
  const ends: Promise<void>[] = []
  for (let at = 0; at < lanes; at++) {
    ends.push(lane())
    await turn() // what was made is sent now
  }
  await Promise.all(ends)
  if (failures.length > 0) throw failures[0]
  return refused
}

/** The run goes first: a call that is listed has its run. */
async function storePart(driver: Driver, db: Db, part: readonly RecordDocuments[]): Promise<readonly RefusedId[]> {
  const runs = await insertOnce(
    driver,
    db,
    'llm_runs',
    part.map(({ run }) => run),
  )
  const without = new Set(runs.refused.map(({ id }) => id))
  const calls = part.map(({ telemetry }) => telemetry).filter(({ _id }) => !without.has(String(_id)))
  const telemetry = await insertOnce(driver, db, 'telemetry', calls)
  return [...runs.refused, ...telemetry.refused]
}

/** The batch as documents, a share for each lane, and in pieces that a server takes at once; what no document can hold joins `refused`. */
function* parts(driver: Driver, batch: readonly StoredRecord[], refused: RefusedId[]): Generator<RecordDocuments[]> {
  const share = Math.max(leastPart, Math.ceil(batch.length / lanes))
  let part: RecordDocuments[] = []
  let bytes = 0
  for (const record of batch) {
    const documents = mapped(driver, record, refused)
    if (documents === null) continue
    if (part.length === share || (part.length > 0 && bytes + documents.bytes > partBytes)) {
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
