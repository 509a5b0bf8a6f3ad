import { type Count, sumKnown } from '../../records/count.ts'
import type { Progress } from '../decoder.ts'

const mostLayers = 4096

/** How much of each layer was moved, by what the last line about it said. */
export class LayerProgress {
  readonly #layers = new Map<string, { total: Count; completed: Count }>()

  see(digest: string, total: Count, completed: Count): void {
    const known = this.#layers.get(digest)
    if (!known && this.#layers.size >= mostLayers) return
    this.#layers.set(digest, {
      total: total ?? known?.total ?? null,
      completed: completed ?? known?.completed ?? null,
    })
  }

  sums(): Omit<Progress, 'status'> {
    const layers = [...this.#layers.values()]
    return {
      layers: layers.length,
      totalBytes: sumKnown(...layers.map((layer) => layer.total)),
      completedBytes: sumKnown(...layers.map((layer) => layer.completed)),
    }
  }
}
