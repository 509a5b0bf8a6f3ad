import type { Exchange } from '../records/exchange.ts'
import type { StoredRecord } from '../records/stored.ts'

export interface RecordSource {
  toRecord(exchange: Exchange): Promise<StoredRecord>
  /** The record of an exchange that `toRecord` cannot read: its bytes and the error. */
  rawRecord(exchange: Exchange, error: unknown): StoredRecord
  /** The longest that `toRecord` may take. */
  recordDeadlineMs?: number
}

/** The record of an exchange: decoded, or raw after it could not be decoded twice. */
export async function makeRecord(
  exchange: Exchange,
  source: RecordSource,
): Promise<{ record: StoredRecord; error: unknown }> {
  let error: unknown
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      return { record: await inTime(exchange, source), error: null }
    } catch (thrown) {
      error = thrown ?? new Error('decoding failed without a reason')
    }
  }
  return { record: source.rawRecord(exchange, error), error }
}

function inTime(exchange: Exchange, { toRecord, recordDeadlineMs = 30_000 }: RecordSource): Promise<StoredRecord> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`decoding took more than ${recordDeadlineMs} ms`))
    const timer = setTimeout(late, recordDeadlineMs)
    const made = async () => toRecord(exchange)
    made()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}

const attempts = 2
