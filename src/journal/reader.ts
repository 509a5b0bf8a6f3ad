import { decodeFrame, type Frame, findFrame } from './frames.ts'
import { OpenSegments } from './open-segments.ts'
import { readFully } from './read-fully.ts'
import { listSegments, readSegmentHeader, segmentHeaderBytes, segmentPath, segmentSize } from './segments.ts'

/** Where a frame stands. */
export interface Place {
  segment: number
  offset: number
  bytes: number
}

export interface PlacedFrame {
  frame: Frame
  place: Place
}

export interface Damage {
  segment: number
  offset: number
  bytes: number
  reason: string
}

export interface ReaderOptions {
  dir: string
  epoch: string
  /** Where to go on; the beginning when left out. */
  from?: { segment: number; offset: number }
  /** Told of each stretch that could not be read. */
  damage?: (damage: Damage) => void
  chunkBytes?: number
}

export interface Read {
  /** Views into a buffer that the next read overwrites. Empty: there is nothing more for now. */
  frames: readonly PlacedFrame[]
  /** A dead epoch was read to its end. */
  ended: boolean
}

/**
 * Reads the frames of one epoch in order, a chunk at a time. In a live epoch an unfinished tail means "not yet"; in a dead
 * one, and in a segment that was left for the next, it means "cut here". Damage is passed over to the next good frame.
 */
export class EpochReader {
  readonly epoch: string
  #dir: string
  #damage: (damage: Damage) => void
  #segment: number
  #offset: number
  #entered = false
  #salt: number | null = null
  #window: Buffer
  #windowSegment = 0
  #windowStart = 0
  #windowBytes = 0
  #files: OpenSegments

  constructor({ dir, epoch, from, damage, chunkBytes }: ReaderOptions) {
    this.epoch = epoch
    this.#dir = dir
    this.#files = new OpenSegments((segment) => segmentPath(dir, epoch, segment))
    this.#damage = damage ?? (() => {})
    this.#segment = from?.segment ?? 0
    this.#offset = from?.offset ?? 0
    this.#window = Buffer.allocUnsafeSlow(chunkBytes ?? 1024 * 1024)
  }

  /** The place up to which frames were handed out. */
  get position(): { segment: number; offset: number } {
    return { segment: this.#segment, offset: this.#offset }
  }

  read(live: boolean): Read {
    for (;;) {
      if (!this.#enter()) return { frames: [], ended: !live }
      const frames = this.#frames()
      if (frames.length > 0) return { frames, ended: false }
      const next = this.#successor()
      if (next === null && live) return { frames, ended: false }
      const last = this.#frames() // the segment is finished, but perhaps it was not when it was read
      if (last.length > 0) return { frames: last, ended: false }
      this.#cutTail()
      if (next === null) return { frames, ended: true }
      this.#move(next)
    }
  }

  /** One frame again; null when it can no longer be read. */
  readAt(place: Place): Frame | null {
    const bytes = this.bytesAt(place)
    return bytes === null ? null : decodeAll(bytes, this.salt)
  }

  bytesAt({ segment, offset, bytes }: Place): Buffer | null {
    const buffer = Buffer.allocUnsafe(bytes)
    const from = offset - this.#windowStart
    if (segment === this.#windowSegment && from >= 0 && from + bytes <= this.#windowBytes) {
      this.#window.copy(buffer, 0, from, from + bytes)
      return buffer
    }
    try {
      const fd = this.#file(segment)
      return fd !== null && readFully(fd, buffer, bytes, offset) === bytes ? buffer : null
    } catch (error) {
      this.#damage({ segment, offset, bytes, reason: error instanceof Error ? error.message : String(error) })
      return null
    }
  }

  /** What the CRCs of this epoch begin with. Known once a frame was read. */
  get salt(): number {
    return this.#salt ?? 0
  }

  /** Bytes that are there and were not handed out yet. */
  lag(): number {
    let bytes = -this.#offset
    for (const segment of listSegments(this.#dir, this.epoch))
      if (segment >= this.#segment) bytes += this.#size(segment)
    return Math.max(0, bytes)
  }

  /** Closes the files of segments before this one. */
  forget(before: number) {
    this.#files.close(before)
  }

  close() {
    this.#files.close(Number.POSITIVE_INFINITY)
  }

  /** Stands behind the header of a segment that can be read; false when there is none yet. */
  #enter(): boolean {
    while (!this.#entered) {
      if (this.#segment === 0 || this.#file(this.#segment) === null) {
        const next = this.#successor()
        if (next === null) return false
        if (this.#segment !== 0) this.#report(0, 'segment is missing')
        this.#move(next)
      }
      const size = this.#size(this.#segment)
      const next = this.#successor()
      if (size >= segmentHeaderBytes && this.#readSalt()) {
        this.#offset = Math.max(this.#offset, segmentHeaderBytes)
        this.#entered = true
      } else if (next === null) return false
      else {
        if (size >= segmentHeaderBytes) this.#report(size, 'header of the segment is damaged')
        this.#move(next)
      }
    }
    return true
  }

  /** All segments of an epoch have one salt, so one readable header serves them all. */
  #readSalt(): boolean {
    const own = this.#header(this.#segment)
    if (own === null) this.#report(segmentHeaderBytes, 'header of the segment is damaged')
    this.#salt = own ?? this.#salt
    for (const segment of this.#salt === null ? listSegments(this.#dir, this.epoch) : []) {
      this.#salt ??= this.#header(segment)
    }
    return this.#salt !== null
  }

  #header(segment: number): number | null {
    const bytes = Buffer.alloc(segmentHeaderBytes)
    const fd = this.#file(segment)
    if (fd === null || readFully(fd, bytes, bytes.length, 0) < bytes.length) return null
    return readSegmentHeader(bytes, segmentPath(this.#dir, this.epoch, segment))?.salt ?? null
  }

  /** The next frames of this segment, as many as one read brings; none when the rest of the file holds no whole one. */
  #frames(): PlacedFrame[] {
    const frames: PlacedFrame[] = []
    for (;;) {
      const want = this.#window.length
      const got = this.#fill()
      const atEof = got < want
      let at = 0
      let needed = 0
      while (at < got) {
        const decoded = decodeFrame(this.#window, at, got, this.#salt!)
        if (decoded.kind === 'frame') {
          const place = { segment: this.#segment, offset: this.#offset + at, bytes: decoded.bytes }
          frames.push({ frame: decoded.frame, place })
          at += decoded.bytes
          continue
        }
        if (decoded.kind === 'more' && !atEof) {
          needed = decoded.bytes
          break
        }
        const found = this.#search(at + 1, got, atEof)
        if (found === null && atEof) break
        const go = found ?? got - 1 // a mark may be cut in two there
        this.#report(go - at, 'no frame stands there', this.#offset + at)
        at = go
        if (found === null) break
      }
      this.#offset += at
      if (frames.length > 0 || (at === 0 && needed <= want)) return frames
      if (needed > want) this.#window = Buffer.allocUnsafeSlow(needed)
    }
  }

  /** The next frame behind damage. At the end of the file only a whole one counts. */
  #search(from: number, got: number, atEof: boolean): number | null {
    for (let at = from; ; at++) {
      const found = findFrame(this.#window, at, got, this.#salt!)
      if (found.decoded.kind === 'frame') return found.at
      if (found.decoded.kind === 'corrupt') return null
      if (!atEof) return found.at
      at = found.at
    }
  }

  #fill(): number {
    this.#windowSegment = this.#segment
    this.#windowStart = this.#offset
    this.#windowBytes = readFully(this.#file(this.#segment)!, this.#window, this.#window.length, this.#offset)
    return this.#windowBytes
  }

  /** What is left of a finished segment: a frame that its write did not finish, or damage. */
  #cutTail() {
    const left = this.#windowBytes
    if (left === 0) return
    if (decodeFrame(this.#window, 0, left, this.#salt!).kind === 'corrupt') this.#report(left, 'no frame stands there')
    this.#offset += left
  }

  /** The number of the next segment that was begun. */
  #successor(): number | null {
    const later = listSegments(this.#dir, this.epoch).filter((segment) => segment > this.#segment)
    return later.find((segment) => this.#size(segment) >= segmentHeaderBytes) ?? null
  }

  #move(segment: number) {
    this.#segment = segment
    this.#offset = 0
    this.#entered = false
  }

  #size(segment: number): number {
    return segmentSize(this.#dir, this.epoch, segment)
  }

  #file(segment: number): number | null {
    return this.#files.open(segment)
  }

  #report(bytes: number, reason: string, offset = this.#offset) {
    this.#damage({ segment: this.#segment, offset, bytes, reason })
  }
}

/** A frame that fills `bytes`; null when it does not check out. */
function decodeAll(bytes: Buffer, salt: number): Frame | null {
  const decoded = decodeFrame(bytes, 0, bytes.length, salt)
  return decoded.kind === 'frame' ? decoded.frame : null
}
