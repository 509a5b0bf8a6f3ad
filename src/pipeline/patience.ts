import { StoreDamaged } from './local-store.ts'

/** The database or the disk took nothing until the recorder was stopped: what is not stored is read again at the next start. */
export class StoreAway extends Error {
  override name = 'StoreAway'
}

/** Waiting that a stop cuts short, and trying again what the outside world may allow later. */
export class Patience {
  stopping = false
  #interrupt: (() => void) | null = null
  #warn: (error: unknown) => void

  constructor(warn: (error: unknown) => void) {
    this.#warn = warn
  }

  stop() {
    this.stopping = true
    this.#interrupt?.()
  }

  /** Resolves after so long, or when `sooner` does, or when everything stops. */
  pause(ms: number, sooner?: Promise<unknown>): Promise<void> {
    if (this.stopping) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#interrupt = null
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#interrupt = done
      sooner?.then(done)
    })
  }

  /** Waits before another attempt, longer each time. Throws when there is to be none. */
  async again(attempt: number, error: unknown): Promise<void> {
    if (error instanceof StoreDamaged) throw error
    if (this.stopping) throw new StoreAway('the database or the disk takes nothing', { cause: error })
    if (attempt === 1) this.#warn(error)
    await this.pause(Math.min(firstMs * 2 ** (attempt - 1), lastMs))
  }

  /** Until it works. */
  async insist(action: () => void): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        action()
        return
      } catch (error) {
        await this.again(attempt, error)
      }
    }
  }
}

const firstMs = 50
const lastMs = 5_000
