import type { RefusedId } from '../../delivery/sink.ts'
import type { ConnectionEvent } from '../../records/connection-log.ts'
import type { DiaryCollection, DiaryEntry } from '../../records/diary-entry.ts'
import { objectOf } from '../../records/json.ts'
import type { Db, Document, Driver } from './driver.ts'
import { insertOnce } from './insert.ts'
import { restored, storable } from './safe-values.ts'
import type { Patience } from './usage.ts'

/** Stores entries of the diary under their own ids; resolves with those that the server will never take. */
export async function storeDiary(
  driver: Driver,
  db: Db,
  collection: DiaryCollection,
  entries: readonly DiaryEntry[],
): Promise<readonly RefusedId[]> {
  const { refused } = await insertOnce(driver, db, collection, entries.map(documentOf))
  return refused
}

const documentOf = ({ _id, timestamp_ms, fields }: DiaryEntry): Document => ({
  _id,
  timestamp: new Date(timestamp_ms),
  ...(storable(fields) as Document),
})

/** The newest of all instances; those of one moment in the order of their ids, as long as they are few. */
export async function newestEvents(db: Db, limit: number, patience: Patience): Promise<readonly ConnectionEvent[]> {
  const found = await db
    .collection('connection_logs')
    .find({}, { sort: { timestamp: -1 }, limit: limit + sameMoment, ...patience })
    .toArray()
  return found.map(eventFrom).sort(newestFirst).slice(0, limit)
}

const sameMoment = 20

const newestFirst = (one: ConnectionEvent, other: ConnectionEvent): number =>
  other.timestamp_ms - one.timestamp_ms || (one._id < other._id ? 1 : -1)

/** The collection may hold what others wrote. */
const eventFrom = ({ _id, timestamp, event_type, status, message, metadata }: Document): ConnectionEvent => ({
  _id: String(_id),
  timestamp_ms: timestamp instanceof Date ? timestamp.getTime() : 0,
  event_type: String(event_type) as ConnectionEvent['event_type'],
  status: status === 'success' ? 'success' : 'error',
  message: String(message ?? ''),
  metadata: objectOf(restored(metadata)) as ConnectionEvent['metadata'],
})
