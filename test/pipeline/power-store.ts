import type { LocalBatch } from '../../src/pipeline/local-store.ts'
import type { Seeded } from '../faults/seeded.ts'
import { MemoryLocalStore } from '../support/memory-local-store.ts'

/** A store in memory of which a loss of power leaves the last checkpoint, and of the commits since then the first few. */
export class PowerStore extends MemoryLocalStore {
  #sure: LocalBatch[] = []
  #since: LocalBatch[] = []

  override commit(batch: LocalBatch) {
    super.commit(batch)
    this.#since.push({ ...batch, carry: batch.carry.map((one) => ({ ...one, frame: Uint8Array.from(one.frame) })) })
  }

  override checkpoint() {
    super.checkpoint()
    this.#sure.push(...this.#since.splice(0))
  }

  /** What the machine finds when it is on again. */
  afterPowerLoss(random: Seeded): PowerStore {
    const next = new PowerStore()
    for (const batch of [...this.#sure, ...this.#since.slice(0, random.whole(0, this.#since.length))])
      next.commit(batch)
    next.checkpoint()
    next.repeated.push(...this.repeated)
    return next
  }
}
