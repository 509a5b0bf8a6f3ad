import type { Outbox, OutboxRecord, RefusedRecord } from '../../src/delivery/outbox.ts'
import type { Purge, PurgeCounts } from '../../src/records/purge.ts'
import type { RollupRow } from '../../src/records/rollup.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { aRecord } from '../support/records.ts'

/** An outbox in memory for one sink, and what a test wants to see of it. */
export class MemoryOutbox implements Outbox {
  readonly records: StoredRecord[] = []
  readonly refused: RefusedRecord[] = []
  purges: Purge[] = []
  readonly purged: PurgeCounts[] = []
  place = 0
  rollupVersion = 0
  rollupsTaken = 0
  bytesOf: (record: StoredRecord) => number = () => 1_000
  /** Throws what is here instead of answering. */
  broken: Error | null = null

  add(count: number): StoredRecord[] {
    const added = Array.from({ length: count }, () => aRecord())
    this.records.push(...added)
    return added
  }

  next(_sink: string, limits: { records: number; bytes: number }): readonly OutboxRecord[] {
    if (this.broken) throw this.broken
    const found: OutboxRecord[] = []
    let bytes = 0
    for (const [index, record] of this.records.slice(this.place, this.place + limits.records).entries()) {
      bytes += this.bytesOf(record)
      if (found.length > 0 && bytes > limits.bytes) break
      found.push({ place: this.place + index + 1, id: record.telemetry._id, record, bytes: this.bytesOf(record) })
    }
    return found
  }

  settle(_sink: string, upTo: number, refused: readonly RefusedRecord[]): void {
    if (this.broken) throw this.broken
    this.place = upTo
    this.refused.push(...refused)
  }

  /** One total over everything, which changes with every record. */
  changedRollups(): readonly { row: RollupRow; version: number }[] {
    return this.place > this.rollupVersion ? [{ row: total(this.place), version: this.place }] : []
  }

  settleRollups(_sink: string, upTo: number): void {
    this.rollupVersion = upTo
    this.rollupsTaken++
  }

  nextPurge(): Purge | null {
    return this.purges[0] ?? null
  }

  settlePurge(_sink: string, purge: Purge, counts: PurgeCounts, done: boolean): void {
    this.purged.push(counts)
    if (done) this.purges = this.purges.filter(({ number }) => number !== purge.number)
  }

  counters() {
    const quarantined = this.refused.length
    const accepted = this.records.length
    return { accepted, stored: this.place - quarantined, pending: accepted - this.place, quarantined, dropped: 0 }
  }

  forgetDelivered(): number {
    return 0
  }
}

const total = (requests: number): RollupRow => ({
  id: 'all',
  version: requests,
  instance: 'here',
  level: 'model_day',
  startMs: 0,
  project: 'acme',
  owner: '',
  provider: 'openai',
  model: 'm',
  outcome: 'ok',
  modelCall: true,
  requests,
  sums: new Uint8Array(0),
})
