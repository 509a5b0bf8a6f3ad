import { type JsonKind, JsonScan, type JsonWatcher } from '../../lib/json-scan.ts'

/**
 * The JSON of one event, read as it comes: whether the event may be the chunk that a server sends only when it was asked for
 * the usage (no choices, and a usage object), and where a `usage` stands in another chunk that says nothing: servers that were
 * asked put `null`, or zeros, into all of them. Offsets are those of the stream.
 */
export class Chunk implements JsonWatcher {
  /** It may still turn out to be the usage chunk. */
  undecided = true
  /** Where a member begins that may have to be left out. Null: none does. */
  heldFrom: number | null = null
  readonly #scan = new JsonScan(this)
  readonly #leaveOut: (from: number, to: number) => void
  #base = 0
  #bytes: Uint8Array = nothing
  #ignored = false
  #begun = false
  #member: string | null = null
  #hasUsage = false
  #allZero = false
  #counts = 0
  #valueFrom = 0
  /** Members that stay: what is left out before the first of them takes the comma behind it along. */
  #kept = 0
  /** Behind the value of such a member, until the next name or the object's end. */
  #droppedTo: number | null = null

  constructor(leaveOut: (from: number, to: number) => void) {
    this.#leaveOut = leaveOut
  }

  reset(): void {
    this.#scan.reset()
    this.undecided = true
    this.heldFrom = null
    this.#ignored = false
    this.#begun = false
    this.#hasUsage = false
    this.#kept = 0
    this.#droppedTo = null
  }

  /** One line of the event's data, or a part of it. `base`: offset of the first of `bytes`. */
  push(bytes: Uint8Array, from: number, to: number, base: number): void {
    if (this.#ignored) return
    this.#base = base
    this.#bytes = bytes
    this.#scan.push(bytes, from, to)
    this.#bytes = nothing
    if (this.#scan.broken) this.pass()
  }

  /** Lines of data are joined by a line end. */
  nextLine(at: number): void {
    if (this.#begun) this.push(lineEnd, 0, 1, at)
    this.#begun = true
  }

  /** The event goes out as it is, whatever else is in it. */
  pass(): void {
    this.#ignored = true
    this.undecided = false
    this.heldFrom = null
  }

  /** It is the usage chunk: for an event that is complete. */
  get isUsage(): boolean {
    return this.endsAsUsage && this.#scan.whole
  }

  /** The same of an event in which the stream ended, be it in the middle of its usage. */
  get endsAsUsage(): boolean {
    return this.undecided && this.#hasUsage
  }

  key(depth: number, at: number): void {
    if (depth !== 1) return
    if (this.#droppedTo !== null) this.#drop(this.#base + at)
    if (this.#kept === 0) this.heldFrom = this.#base + at
  }

  comma(depth: number, at: number): void {
    if (depth === 1 && this.#kept > 0) this.heldFrom = this.#base + at
  }

  begin(depth: number, kind: JsonKind, name: string | null, at: number): void {
    if (depth === 0) this.undecided &&= kind === 'object'
    else if (depth === 1) this.#beginMember(kind, name)
    else if (this.#member === 'choices') this.undecided = false
    else if (this.#member === 'usage') {
      this.#valueFrom = this.#base + at
      this.#allZero &&= kind === 'number' && this.#bytes[at] === 0x30
    }
  }

  end(depth: number, kind: JsonKind, _name: string | null, at: number): void {
    const to = this.#base + at
    if (depth === 2 && this.#member === 'usage') {
      this.#allZero &&= to - this.#valueFrom === 1
      this.#counts++
    }
    if (depth === 1 && this.#member === 'usage') this.#endUsage(kind, to)
    if (depth === 0 && this.#droppedTo !== null) this.#drop(this.#droppedTo)
  }

  #beginMember(kind: JsonKind, name: string | null): void {
    this.#member = name
    if (name === 'usage' && (kind === 'null' || kind === 'object')) {
      this.#hasUsage ||= kind === 'object'
      this.#allZero = kind === 'object'
      this.#counts = 0
      return
    }
    if (name === 'usage' || (name === 'choices' && kind !== 'array' && kind !== 'null')) this.undecided = false
    this.#stays()
  }

  #endUsage(kind: JsonKind, to: number): void {
    if (kind === 'null') this.undecided = false
    else if (kind !== 'object') return
    if (kind === 'object' && !(this.#allZero && this.#counts > 0)) this.#stays()
    else if (this.#kept > 0) this.#drop(to)
    else this.#droppedTo = to
  }

  #stays(): void {
    this.#kept++
    this.heldFrom = null
  }

  #drop(to: number): void {
    this.#leaveOut(this.heldFrom!, to)
    this.heldFrom = null
    this.#droppedTo = null
  }
}

const nothing = new Uint8Array(0)
const lineEnd = new Uint8Array([0x0a])
