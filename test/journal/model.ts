import type { FrameType } from '../../src/journal/frames.ts'
import type { PlacedFrame } from '../../src/journal/reader.ts'

/** How certain it is that a frame is still there: not at all, after a death of the process, after a loss of power. */
type Promised = 'no' | 'crash' | 'power'

export interface Given {
  key: string
  type: FrameType
  exchange: number
  promised: Promised
  /** A sync failed on it: no later one makes it safe against power loss. */
  doomed: boolean
  /** A bit of it was flipped. */
  damaged: boolean
}

/**
 * What was given to one epoch of the journal, in order, and what was promised of it. A callback with `true` promises that
 * frame and all before it to outlive the process; a sync, all that was promised so to outlive a loss of power.
 */
export class EpochModel {
  readonly given: Given[] = []

  give(type: FrameType, exchange: number, offset: number, payload: string): Given {
    const key = keyOf(type, exchange, offset, payload)
    const given: Given = { key, type, exchange, promised: 'no', doomed: false, damaged: false }
    this.given.push(given)
    return given
  }

  /** Called back `true`. */
  safe(frame: Given) {
    for (const given of this.given) {
      if (given.promised === 'no') given.promised = 'crash'
      if (given === frame) return
    }
  }

  /** Called back `true` by a journal that syncs first: of that exchange, everything up to there. */
  durable(frame: Given) {
    this.safe(frame)
    for (const given of this.given) {
      if (given.exchange === frame.exchange) given.promised = 'power'
      if (given === frame) return
    }
  }

  synced() {
    for (const given of this.given) if (given.promised === 'crash' && !given.doomed) given.promised = 'power'
  }

  /** A sync failed: nothing given until now is made safe by later ones, unless it was before. */
  doubted() {
    for (const given of this.given) given.doomed = true
  }

  powerLost() {
    for (const given of this.given) if (given.promised === 'crash') given.promised = 'no'
  }

  damaged(keys: readonly string[]) {
    for (const given of this.given) if (keys.includes(given.key)) given.damaged = true
  }

  /** Whether a frame, where it was given, is promised and was not damaged. */
  holds(given: Given): boolean {
    return given.promised !== 'no' && !given.damaged
  }

  /** What is wrong with the frames that were read; empty when nothing is. */
  faults(found: readonly string[], repeatsAllowed: boolean): string[] {
    const faults: string[] = []
    const places = new Map(this.given.map(({ key }, place) => [key, place]))
    const seen = new Set<string>()
    let last = -1
    for (const key of found) {
      const place = places.get(key)
      if (place === undefined) faults.push(`never given: ${key}`)
      else if (seen.has(key)) {
        if (!repeatsAllowed) faults.push(`twice: ${key}`)
      } else if (place < last) faults.push(`out of order: ${key}`)
      else last = place
      seen.add(key)
    }
    for (const given of this.given) {
      if (this.holds(given) && !seen.has(given.key)) faults.push(`promised (${given.promised}) and gone: ${given.key}`)
    }
    return faults
  }
}

/** A frame as text by which it can be told from every other, its bytes included. */
function keyOf(type: FrameType, exchange: number, offset: number, payload: string): string {
  return `${type} ${exchange} ${offset} ${payload}`
}

export const keyOfPlaced = ({ frame }: PlacedFrame): string =>
  keyOf(frame.type, frame.exchange, frame.offset, frame.payload.toString('latin1'))
