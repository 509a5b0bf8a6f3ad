import type { DatabaseSync } from 'node:sqlite'
import { uncounted } from '../../pipeline/uncounted.ts'
import type { StoredRecord } from '../../records/stored.ts'

/** Vendors forget such answers after 30 days. */
const keptMs = 90 * 24 * 3600 * 1000

/**
 * Of the calls that tell the same answer the first keeps its counts, the others lose theirs. It is remembered in the transaction
 * that stores the record, so that neither a crash nor a new start counts an answer twice.
 */
export function countedAnswers(database: DatabaseSync): (record: StoredRecord) => StoredRecord {
  const claim = database.prepare(
    'INSERT INTO counted_answers (answer, call, timestamp_ms) VALUES (?, ?, ?) ON CONFLICT (answer) DO NOTHING',
  )
  const owner = database.prepare('SELECT call FROM counted_answers WHERE answer = ?')
  const forget = database.prepare('DELETE FROM counted_answers WHERE timestamp_ms < ?')
  return (record) => {
    const { tells, telemetry } = record
    if (tells === undefined) return record
    if (claim.run(tells, telemetry._id, telemetry.timestamp_ms).changes > 0) forget.run(telemetry.timestamp_ms - keptMs)
    const call = String(owner.get(tells)?.call)
    return call === telemetry._id ? record : uncounted(record, call)
  }
}
