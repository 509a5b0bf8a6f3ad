import type { DatabaseSync } from 'node:sqlite'
import type { CarriedFrame, JournalState, LocalBatch } from '../../pipeline/local-store.ts'
import { bytesOf } from './record-rows.ts'

/** The journal's place in the database: how far it was read, what was applied above that place, frames carried forward. */
export interface JournalRows {
  state(): JournalState
  carried(epoch: string): readonly CarriedFrame[]
  carriedFrame(rowId: number): Uint8Array
  /** Inside the transaction that holds the batch's records. */
  apply(batch: LocalBatch): void
}

export function journalRows(database: DatabaseSync): JournalRows {
  const position = database.prepare(
    'INSERT OR REPLACE INTO journal_positions (epoch, segment, offset) VALUES (?, ?, ?)',
  )
  const applied = database.prepare('INSERT OR REPLACE INTO journal_applied (id, epoch, exchange) VALUES (?, ?, ?)')
  const settled = database.prepare('DELETE FROM journal_applied WHERE id = ?')
  const carry = database.prepare('INSERT INTO journal_carried (epoch, exchange, frame) VALUES (?, ?, ?)')
  const uncarry = database.prepare('DELETE FROM journal_carried WHERE epoch = ? AND exchange = ?')
  const finished = database.prepare('INSERT OR IGNORE INTO journal_finished_epochs (epoch) VALUES (?)')
  const cleanup = ['journal_positions', 'journal_applied', 'journal_carried'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE epoch = ?`),
  )
  const allPositions = database.prepare('SELECT epoch, segment, offset FROM journal_positions ORDER BY epoch')
  const allApplied = database.prepare('SELECT epoch, exchange, id FROM journal_applied ORDER BY epoch, exchange')
  const allFinished = database.prepare('SELECT epoch FROM journal_finished_epochs ORDER BY epoch')
  const carriedOf = database.prepare('SELECT row_id, exchange FROM journal_carried WHERE epoch = ? ORDER BY row_id')
  const frameOf = database.prepare('SELECT frame FROM journal_carried WHERE row_id = ?')

  return {
    state: () => ({
      positions: allPositions.all().map((row) => ({
        epoch: String(row.epoch),
        segment: Number(row.segment),
        offset: Number(row.offset),
      })),
      applied: allApplied.all().map((row) => ({
        epoch: String(row.epoch),
        exchange: Number(row.exchange),
        id: String(row.id),
      })),
      finishedEpochs: allFinished.all().map((row) => String(row.epoch)),
    }),
    carried: (epoch) =>
      carriedOf.all(epoch).map((row) => ({ rowId: Number(row.row_id), exchange: Number(row.exchange) })),
    carriedFrame(rowId) {
      const row = frameOf.get(rowId)
      if (row === undefined) throw new RangeError(`no carried frame has the row id ${rowId}`)
      return bytesOf(row.frame)
    },
    apply(batch) {
      for (const { epoch, segment, offset } of batch.positions) position.run(epoch, segment, offset)
      for (const { id, epoch, exchange } of batch.applied) applied.run(id, epoch, exchange)
      for (const id of batch.settled) settled.run(id)
      for (const { epoch, exchange, frame } of batch.carry) carry.run(epoch, exchange, frame)
      for (const { epoch, exchange } of batch.uncarry) uncarry.run(epoch, exchange)
      for (const epoch of batch.finishedEpochs) {
        finished.run(epoch)
        for (const statement of cleanup) statement.run(epoch)
      }
    },
  }
}
