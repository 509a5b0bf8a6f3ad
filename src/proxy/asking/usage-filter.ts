import { Chunk } from './chunk.ts'

/** Stands between the upstream's pieces and the client. */
export interface Filter {
  /** Why nothing more can be passed. */
  readonly failure: string | null
  /** What people should know of how the stream passed. */
  readonly note: string | null
  readonly withheldBytes: number
  /** What may go on now. */
  push(piece: Buffer): Buffer | null
  /** What is still held when the stream ends, in whatever way; asked once. */
  end(): Buffer | null
}

/**
 * Takes out of a stream of events what is in it only because the usage was asked for: the usage chunk, and `usage` members
 * that say nothing. Everything else passes byte for byte and at once: only the beginning of an event that may still be that
 * chunk, or of a member that may be such a `usage`, is held until it can be told. Events are read by the WHATWG's grammar.
 */
export class UsageFilter implements Filter {
  readonly failure = null
  note: string | null = null
  #received = 0
  #passed = 0
  #held: Buffer | null = null
  /** Ranges of offsets that do not pass. */
  #out: Range[] = []
  readonly #chunk = new Chunk((from, to) => this.#out.push([from, to]))
  #line: Line = lines.start
  #field = ''
  #afterCr = false
  /** The event in progress has a line that is no comment. */
  #begun = false
  #eventFrom = 0
  /** Where the stretch begins that goes if the event does; comments within it stay. */
  #stretchFrom = 0
  #stretches: Range[] = []
  #lastWentOut = false
  #bom = 0

  get withheldBytes(): number {
    return this.#received - this.#passed - (this.#held?.length ?? 0)
  }

  push(piece: Buffer): Buffer | null {
    const before = this.#held?.length ?? 0
    const bytes = this.#held ? Buffer.concat([this.#held, piece]) : piece
    const base = this.#received - before
    this.#received += piece.length
    this.#read(bytes, before, base)
    let keep = this.#keepFrom()
    if (this.#received - keep > heldLimitBytes) {
      this.note = 'an event that might have been the usage was too large to be held, and passed'
      this.#chunk.pass()
      keep = this.#received
    }
    return this.#letOut(bytes, base, keep)
  }

  end(): Buffer | null {
    const held = this.#held
    if (held === null) return null
    const base = this.#received - held.length
    if (this.#chunk.endsAsUsage) this.#out.push(...this.#stretches, [this.#stretchFrom, this.#received])
    return this.#letOut(held, base, this.#received)
  }

  #keepFrom(): number {
    if (this.#begun && this.#chunk.undecided) return this.#eventFrom
    return this.#chunk.heldFrom ?? this.#received
  }

  #letOut(bytes: Buffer, base: number, to: number): Buffer | null {
    const out = this.#out.length === 0 ? none : this.#out.filter(([from]) => from < to).sort(byPlace)
    const parts: Buffer[] = []
    let from = base
    const pass = (until: number): void => {
      if (until > from) parts.push(bytes.subarray(from - base, until - base))
    }
    for (const [start, end] of out) {
      pass(start)
      from = Math.max(from, end)
    }
    pass(to)
    if (out.length > 0) this.#out = this.#out.filter(([start]) => start >= to)
    this.#held = to - base < bytes.length ? bytes.subarray(to - base) : null
    const passed = parts.length === 0 ? null : parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    this.#passed += passed?.length ?? 0
    return passed
  }

  #read(bytes: Buffer, from: number, base: number): void {
    let at = from
    while (at < bytes.length) {
      const byte = bytes[at]!
      if (this.#afterCr) {
        this.#afterCr = false
        if (byte === lf) {
          at++
          this.#secondHalf(base + at)
          continue
        }
      }
      if (this.#line === lines.start) at = this.#startLine(byte, at, base)
      else if (this.#line === lines.field) at = this.#nameField(byte, at, base)
      else at = this.#restOfLine(bytes, at, base)
    }
  }

  #startLine(byte: number, at: number, base: number): number {
    this.#lastWentOut = false
    if (this.#bom === base + at && byte === byteOrderMark[this.#bom]) {
      this.#bom++
      this.#eventFrom = this.#stretchFrom = base + at + 1
      return at + 1
    }
    if (byte === lf || byte === cr) {
      this.#endEvent(base + at + 1)
      this.#afterCr = byte === cr
      return at + 1
    }
    if (byte === colon) {
      if (this.#begun) this.#stretches.push([this.#stretchFrom, base + at])
      this.#line = lines.comment
      return at + 1
    }
    this.#begun = true
    this.#field = ''
    this.#line = lines.field
    return at
  }

  #nameField(byte: number, at: number, base: number): number {
    const ends = byte === lf || byte === cr
    if (byte !== colon && !ends) {
      this.#field += String.fromCharCode(byte)
      if (this.#field.length > longestField) this.#unknownField()
      return at + 1
    }
    if (this.#field === 'data') {
      this.#chunk.nextLine(base + at)
      this.#line = lines.space
    } else if (fields.has(this.#field)) this.#line = lines.other
    else this.#unknownField()
    if (ends) this.#endLine(byte, base + at + 1)
    return at + 1
  }

  /** Whatever this is, it is no chunk. */
  #unknownField(): void {
    this.#chunk.pass()
    this.#line = lines.other
  }

  #restOfLine(bytes: Buffer, from: number, base: number): number {
    let at = from
    while (at < bytes.length && bytes[at] !== lf && bytes[at] !== cr) at++
    if (at > from && (this.#line === lines.space || this.#line === lines.data)) {
      const skip = this.#line === lines.space && bytes[from] === 0x20 ? 1 : 0
      this.#chunk.push(bytes, from + skip, at, base)
      this.#line = lines.data
    }
    if (at === bytes.length) {
      if (!this.#begun) this.#eventFrom = this.#stretchFrom = base + at
      return at
    }
    this.#endLine(bytes[at]!, base + at + 1)
    return at + 1
  }

  #endLine(byte: number, at: number): void {
    if (this.#line === lines.comment) this.#stretchFrom = at
    if (!this.#begun) this.#eventFrom = at
    this.#line = lines.start
    this.#afterCr = byte === cr
  }

  /** A line feed belongs to the carriage return before it, and goes where that went. */
  #secondHalf(at: number): void {
    if (!this.#begun && this.#lastWentOut) this.#out.push([at - 1, at])
    if (this.#stretchFrom === at - 1) this.#stretchFrom = at
    if (!this.#begun) this.#eventFrom = at
  }

  #endEvent(at: number): void {
    if (!this.#begun) {
      this.#eventFrom = this.#stretchFrom = at
      return
    }
    this.#lastWentOut = this.#chunk.isUsage
    if (this.#lastWentOut) this.#out.push(...this.#stretches, [this.#stretchFrom, at])
    this.#chunk.reset()
    this.#begun = false
    this.#eventFrom = this.#stretchFrom = at
    this.#stretches = []
  }
}

/** A usage chunk is a few hundred bytes. */
const heldLimitBytes = 64 * 1024

type Range = readonly [from: number, to: number]
const none: readonly Range[] = []
const byPlace = ([one]: Range, [other]: Range): number => one - other

const lines = { start: 0, field: 1, space: 2, data: 3, comment: 4, other: 5 } as const
type Line = (typeof lines)[keyof typeof lines]

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const byteOrderMark = [0xef, 0xbb, 0xbf]
const fields: ReadonlySet<string> = new Set(['event', 'id', 'retry'])
const longestField = 5
