import { setAside } from './set-aside.ts'
import { troubleOf } from './trouble.ts'

export interface Patience {
  /** Told of the first failure of some kind, and whether it is to be tried again. */
  waiting(error: unknown): void
  /** Told where a damaged file was put. Without it, damage is waited out too: somebody else sees to it. */
  replaced?(aside: string, error: unknown): void
  /** Waits before another attempt. False: there is to be none. */
  again(ms: number): Promise<boolean>
  now?: () => number
}

/**
 * Opens a database as soon as it can be opened: one that is locked, or on a disk that takes nothing, is tried again; a
 * damaged one is put aside and a new one made. Null: waiting was given up. Other failures are thrown.
 */
export async function openPatiently<T>(path: string, open: () => T, patience: Patience): Promise<T | null> {
  let told = false
  let replaced = false
  for (let waitMs = firstMs; ; waitMs = Math.min(waitMs * 2, lastMs)) {
    try {
      return open()
    } catch (error) {
      const trouble = troubleOf(error)
      if (trouble === null) throw error
      if (trouble === 'damaged' && patience.replaced && !replaced) {
        replaced = true // what is damaged again was not the file
        patience.replaced(setAside(path, (patience.now ?? Date.now)()), error)
        continue
      }
      if (!told) patience.waiting(error)
      told = true
      if (!(await patience.again(waitMs))) return null
    }
  }
}

const firstMs = 50
const lastMs = 2_000
