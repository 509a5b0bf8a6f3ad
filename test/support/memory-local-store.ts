import type { AppliedId, EpochPosition, JournalState, LocalBatch, LocalStore } from '../../src/pipeline/local-store.ts'
import type { StoredRecord } from '../../src/records/stored.ts'

/** A `LocalStore` that keeps everything in memory and complains about a record that is committed twice. */
export class MemoryLocalStore implements LocalStore {
  readonly instance = '01900000-0000-7000-8000-000000000001'
  readonly records = new Map<string, StoredRecord>()
  /** Ids that were handed in although they were stored already. */
  readonly repeated: string[] = []
  readonly positions = new Map<string, EpochPosition>()
  readonly applied = new Map<string, AppliedId>()
  readonly finished = new Set<string>()
  rows: { rowId: number; epoch: string; exchange: number; frame: Uint8Array }[] = []
  checkpoints = 0
  commits = 0
  largestBatch = 0
  /** Called before a commit changes anything; what it throws is the commit's failure. */
  before: (batch: LocalBatch) => void = () => {}
  #lastRow = 0

  journalState(): JournalState {
    return {
      positions: [...this.positions.values()],
      applied: [...this.applied.values()],
      finishedEpochs: [...this.finished],
    }
  }

  commit(batch: LocalBatch) {
    this.before(batch)
    this.commits++
    this.largestBatch = Math.max(this.largestBatch, batch.records.length)
    for (const record of batch.records) {
      const id = record.telemetry._id
      if (this.records.has(id)) this.repeated.push(id)
      this.records.set(id, record)
    }
    for (const position of batch.positions) this.positions.set(position.epoch, position)
    for (const applied of batch.applied) this.applied.set(applied.id, applied)
    for (const id of batch.settled) this.applied.delete(id)
    for (const { epoch, exchange, frame } of batch.carry) {
      this.rows.push({ rowId: ++this.#lastRow, epoch, exchange, frame: Uint8Array.from(frame) })
    }
    for (const { epoch, exchange } of batch.uncarry) {
      this.rows = this.rows.filter((row) => row.epoch !== epoch || row.exchange !== exchange)
    }
    for (const epoch of batch.finishedEpochs) {
      this.finished.add(epoch)
      this.positions.delete(epoch)
      this.rows = this.rows.filter((row) => row.epoch !== epoch)
      for (const [id, applied] of this.applied) if (applied.epoch === epoch) this.applied.delete(id)
    }
  }

  isPurged(): boolean {
    return false
  }

  carried(epoch: string) {
    return this.rows.filter((row) => row.epoch === epoch).map(({ rowId, exchange }) => ({ rowId, exchange }))
  }

  carriedFrame(rowId: number): Uint8Array {
    return this.rows.find((row) => row.rowId === rowId)!.frame
  }

  checkpoint() {
    this.checkpoints++
  }

  counters() {
    return { telemetry: this.records.size, runs: this.records.size }
  }

  close() {}
}
