import type { OutboxRecord } from './outbox.ts'

type Sized = Pick<OutboxRecord, 'place' | 'bytes'>

export interface BatchLimits {
  records: number
  bytes: number
  /** While the sink takes nothing, it is tried with so few. */
  probeRecords: number
}

/**
 * How much the next batch may hold: less after one that was late (a slow link may carry a small one in time) and after each
 * other failure that follows a failure (a link that breaks now and then must not end at single records), little while the
 * circuit is open, half of one that was refused as a whole, and twice as much after each success.
 */
export class BatchSize {
  #limits: BatchLimits
  #records: number
  #failures = 0
  /** The end of a batch that was refused as a whole; up to there batches do not grow. */
  #suspectUpTo = 0

  constructor(limits: BatchLimits) {
    this.#limits = limits
    this.#records = limits.records
  }

  /** The circuit is open. */
  get probing(): boolean {
    return this.#failures >= failuresToOpen
  }

  now(): { records: number; bytes: number } {
    const { records, bytes } = this.#limits
    const share = this.#records / records
    return { records: this.#records, bytes: Math.max(Math.min(bytes, leastBytes), Math.floor(bytes * share)) }
  }

  /** There is likely more behind the batch. */
  isFull(batch: readonly Sized[]): boolean {
    const { records, bytes } = this.now()
    return batch.length >= records || batch.reduce((sum, one) => sum + one.bytes, 0) >= bytes / 2
  }

  failed(late: boolean) {
    this.#failures++
    if (late || this.#failures > 1) this.#records = Math.max(1, Math.floor(this.#records / 2))
    if (this.probing) this.#records = Math.min(this.#records, this.#limits.probeRecords)
  }

  isolate(batch: readonly Sized[]) {
    this.#records = Math.ceil(batch.length / 2)
    this.#suspectUpTo = Math.max(this.#suspectUpTo, batch.at(-1)?.place ?? 0)
  }

  /** What made batches be refused is put aside. */
  found() {
    this.#suspectUpTo = 0
  }

  answered() {
    this.#failures = 0
  }

  passed(place: number) {
    if (place >= this.#suspectUpTo) this.#records = Math.min(this.#limits.records, this.#records * 2)
  }
}

const failuresToOpen = 5
const leastBytes = 64 * 1024
