import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { at } from '../records/json.ts'

/**
 * Remembers over the death of the recorder's thread which exchange it was busy with. Written only in careful mode, that is
 * after a death, when exchanges are taken one at a time.
 */
export interface Attempts {
  /** Counts one more attempt at this exchange, before it is made; says how many there were before. */
  begin(epoch: string, exchange: number): number
  /** Nothing is suspected any more. */
  clear(): void
}

export function openAttempts(dir: string): Attempts {
  const path = join(dir, 'attempt.json')
  const last = read(path)
  return {
    begin(epoch, exchange) {
      const before = last?.epoch === epoch && last.exchange === exchange ? last.attempts : 0
      writeFileSync(path, JSON.stringify({ epoch, exchange, attempts: before + 1 }), { mode: 0o600 })
      return before
    },
    clear: () => rmSync(path, { force: true }),
  }
}

interface Attempt {
  epoch: string
  exchange: number
  attempts: number
}

/** The file is a hint: one that cannot be read says nothing. */
function read(path: string): Attempt | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const [epoch, exchange, attempts] = [at(value, 'epoch'), at(value, 'exchange'), at(value, 'attempts')]
    if (typeof epoch !== 'string' || typeof exchange !== 'number' || typeof attempts !== 'number') return null
    return { epoch, exchange, attempts }
  } catch {
    return null
  }
}
