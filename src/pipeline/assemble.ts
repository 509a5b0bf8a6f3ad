import type { Frame } from '../journal/frames.ts'
import type { EpochReader, Place, PlacedFrame } from '../journal/reader.ts'
import type { Exchange } from '../records/exchange.ts'
import { buildExchange } from './build-exchange.ts'
import { lastMark, packFrames, unpackFrames } from './carried.ts'
import type { AppliedId, EpochPosition, LocalBatch, LocalStore } from './local-store.ts'

/** An exchange that was begun and is not yet in the database. Of its frames only the places are kept. */
export interface Tracked {
  readonly exchange: number
  /** Marks and lengths in turn, of the frames that are not carried. */
  places: number[]
  /** Bytes of its frames, carried or not. */
  bytes: number
  /** Frames up to this mark are in the database. */
  carriedUpTo: number
  rows: number[]
  /** The mark of its CLOSE, once that was read. */
  closedAt: number | null
}

/** An exchange that goes into the database, or is given up, under this id. */
export interface Finished {
  tracked: Tracked
  id: string
}

/** What a commit changes for an epoch. `done` is called after it. */
export interface Change {
  batch: Pick<LocalBatch, 'positions' | 'applied' | 'settled' | 'uncarry'>
  position: EpochPosition
  done(): void
}

/**
 * Sorts the frames of one epoch by exchange, and knows which place everything before is safe of. Exchanges interleave: that
 * place is the first frame of the oldest one which is not in the database, and the ids that are stored although some of
 * their frames stand behind it are kept until it has passed them.
 */
export class Assembler {
  readonly epoch: string
  accepted = 0
  /** The first exchange whose beginning was read; 0 before. */
  firstBegun = 0
  /** CLOSE frames whose exchange is unknown, and exchanges that cannot be put together. */
  damaged = 0
  readonly open = new Map<number, Tracked>()
  /** Where a restart would go on. */
  committed: EpochPosition
  #reader: EpochReader
  #store: LocalStore
  /** By exchange: its id, and the mark of its CLOSE when that was seen. */
  #settledTo = -1
  #carriedIn = 0
  #applied = new Map<number, { id: string; closedAt: number }>()
  /** The last exchange that was begun: numbers only grow. */
  #lastBegun = 0
  /** Exchanges that are read a second time. */
  #repeats = new Set<number>()

  constructor(reader: EpochReader, store: LocalStore, applied: readonly AppliedId[]) {
    this.epoch = reader.epoch
    this.#reader = reader
    this.#store = store
    this.committed = { epoch: this.epoch, ...reader.position }
    for (const { epoch, exchange, id } of applied) {
      if (epoch === this.epoch) this.#applied.set(exchange, { id, closedAt: Number.POSITIVE_INFINITY })
    }
    this.#findCarried()
    for (const tracked of this.open.values()) {
      for (const row of tracked.rows) {
        const blob = store.carriedFrame(row)
        tracked.carriedUpTo = Math.max(tracked.carriedUpTo, lastMark(blob))
        tracked.bytes += blob.length
      }
    }
    this.accepted = this.open.size
  }

  /** The exchange that this frame finishes, if it does. */
  take({ frame, place }: PlacedFrame): Tracked | null {
    const at = markOf(place)
    const applied = this.#applied.get(frame.exchange)
    if (applied) {
      if (frame.type === 'close') applied.closedAt = at
      return null
    }
    const tracked = this.open.get(frame.exchange) ?? this.#begin(frame)
    if (!tracked || at <= tracked.carriedUpTo || tracked.closedAt !== null) return null
    if (frame.type === 'open' && tracked.places.length > 0) return null // a write that was repeated
    tracked.places.push(at, place.bytes)
    tracked.bytes += place.bytes
    if (frame.type !== 'close') return null
    tracked.closedAt = at
    return tracked
  }

  /** Reads the frames again and puts them together. Null when that is not possible. */
  build(tracked: Tracked): Exchange | null {
    const exchange = buildExchange(this.#frames(tracked))
    if (!exchange) this.damaged++
    return exchange
  }

  /** The frames as they are kept, for whoever wants to keep them elsewhere. */
  *rawFrames(tracked: Tracked): Generator<Buffer> {
    for (const row of tracked.rows) yield Buffer.from(this.#store.carriedFrame(row))
    for (const { place } of places(tracked)) {
      const bytes = this.#reader.bytesAt(place)
      if (bytes) yield bytes
    }
  }

  /** The segment that a commit would move the position to. */
  safeSegment(): number {
    return Math.floor(this.#safeMark(none) / segmentFactor)
  }

  /** What a commit that stores (or gives up) `finished` moves: nothing has changed before `done` is called. */
  change(finished: readonly Finished[]): Change {
    const gone = new Set(finished.map(({ tracked }) => tracked.exchange))
    const mark = this.#safeMark(gone)
    const position = { epoch: this.epoch, segment: Math.floor(mark / segmentFactor), offset: mark % segmentFactor }
    const above = finished.filter(({ tracked }) => tracked.closedAt === null || tracked.closedAt >= mark)
    const settled = mark === this.#settledTo ? [] : [...this.#applied].filter(([, { closedAt }]) => closedAt < mark)
    return {
      position,
      batch: {
        positions: [position],
        applied: above.map(({ tracked, id }) => ({ epoch: this.epoch, exchange: tracked.exchange, id })),
        settled: settled.map(([, { id }]) => id),
        uncarry: finished
          .filter(({ tracked }) => tracked.rows.length > 0)
          .map(({ tracked }) => ({ epoch: this.epoch, exchange: tracked.exchange })),
      },
      done: () => {
        this.committed = position
        for (const exchange of gone) this.open.delete(exchange)
        for (const [exchange] of settled) this.#applied.delete(exchange)
        for (const { tracked, id } of above) {
          const closedAt = tracked.closedAt ?? Number.POSITIVE_INFINITY
          this.#applied.set(tracked.exchange, { id, closedAt })
        }
        this.#settledTo = mark
      },
    }
  }

  /** Moves the frames of exchanges that have stayed open over more than `segments` segments into the database. */
  carry(segments: number) {
    const { segment } = this.#reader.position
    if (segment === this.#carriedIn) return
    const before = (segment - segments) * segmentFactor
    const chosen: Tracked[] = []
    for (const tracked of this.open.values()) {
      if (tracked.closedAt === null && tracked.places.length > 0 && tracked.places[0]! < before) chosen.push(tracked)
    }
    while (chosen.length > 0) this.#carrySome(chosen)
    this.#carriedIn = segment
  }

  /** Takes from the front of `chosen` what one commit should hold. */
  #carrySome(chosen: Tracked[]) {
    const taken: Tracked[] = []
    const carry: { epoch: string; exchange: number; frame: Uint8Array }[] = []
    for (let bytes = 0; bytes < carryBytes && taken.length < chosen.length; ) {
      const tracked = chosen[taken.length]!
      for (const frame of packFrames(this.#kept(tracked), this.#reader.salt)) {
        carry.push({ epoch: this.epoch, exchange: tracked.exchange, frame })
        bytes += frame.length
      }
      taken.push(tracked)
    }
    this.#store.commit({ ...nothing, carry })
    for (const tracked of taken) {
      tracked.carriedUpTo = tracked.places.at(-2)!
      tracked.places = []
    }
    chosen.splice(0, taken.length)
    this.#findCarried()
  }

  *#kept(tracked: Tracked): Generator<{ mark: number; bytes: Buffer }> {
    for (const { mark, place } of places(tracked)) {
      const bytes = this.#reader.bytesAt(place)
      if (bytes) yield { mark, bytes }
    }
  }

  *#frames(tracked: Tracked): Generator<Frame> {
    for (const row of tracked.rows) yield* unpackFrames(this.#store.carriedFrame(row))
    for (const { place } of places(tracked)) {
      const frame = this.#reader.readAt(place)
      if (frame) yield frame
    }
  }

  #begin({ type, exchange }: Frame): Tracked | null {
    if (type !== 'open') {
      if (type === 'close' && !this.#repeats.delete(exchange)) this.damaged++
      return null
    }
    if (this.#isRepeat(exchange)) {
      this.#repeats.add(exchange)
      return null
    }
    this.#lastBegun = exchange
    this.firstBegun ||= exchange
    this.accepted++
    return this.#track(exchange)
  }

  /** Bytes that were cut off and written elsewhere may be back after a loss of power. Numbers wrap at 32 bits. */
  #isRepeat(exchange: number): boolean {
    return exchange <= this.#lastBegun && this.#lastBegun - exchange < 2 ** 31
  }

  #track(exchange: number): Tracked {
    const tracked = { exchange, places: [], bytes: 0, carriedUpTo: -1, rows: [], closedAt: null }
    this.open.set(exchange, tracked)
    return tracked
  }

  #findCarried() {
    for (const tracked of this.open.values()) tracked.rows = []
    for (const { rowId, exchange } of this.#store.carried(this.epoch)) {
      const tracked = this.open.get(exchange) ?? this.#track(exchange)
      tracked.rows.push(rowId)
    }
  }

  #safeMark(gone: ReadonlySet<number>): number {
    let mark = markOf(this.#reader.position)
    for (const { exchange, places } of this.open.values()) {
      if (places.length > 0 && places[0]! < mark && !gone.has(exchange)) mark = places[0]!
    }
    return mark
  }
}

export const nothing: LocalBatch = Object.freeze({
  records: [],
  positions: [],
  finishedEpochs: [],
  applied: [],
  settled: [],
  carry: [],
  uncarry: [],
})

const none: ReadonlySet<number> = new Set()

/** About so much goes into the database at once when calls are carried. */
const carryBytes = 8 * 1024 * 1024

/** A place as one number, in the order of reading. */
const segmentFactor = 2 ** 32
const markOf = ({ segment, offset }: { segment: number; offset: number }): number => segment * segmentFactor + offset

function* places({ places }: Tracked): Generator<{ mark: number; place: Place }> {
  for (let at = 0; at < places.length; at += 2) {
    const mark = places[at]!
    const segment = Math.floor(mark / segmentFactor)
    yield { mark, place: { segment, offset: mark - segment * segmentFactor, bytes: places[at + 1]! } }
  }
}
