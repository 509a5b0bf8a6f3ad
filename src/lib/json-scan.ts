import { beginNumber, continueNumber, isDigit, isWholeNumber, type NumberState } from './json-number.ts'

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null'

/**
 * What a scan tells, down to members of members: depth 0 is the whole text, 1 its members or elements, 2 theirs. `at` is an
 * index into the bytes of the call to `push`; `name` is that of the member, unescaped, null for an element. What is no ASCII in
 * a name stays as its UTF-8 bytes, and a name longer than anything one looks for is told as it begins.
 */
export interface JsonWatcher {
  /** At a value's first byte. */
  begin(depth: number, kind: JsonKind, name: string | null, at: number): void
  /** Behind a value's last byte. */
  end(depth: number, kind: JsonKind, name: string | null, at: number): void
  /** At the quote that opens a member's name. */
  key?(depth: number, at: number): void
  /** At the comma behind a value. */
  comma?(depth: number, at: number): void
}

/**
 * Reads JSON (RFC 8259) as bytes come, without building it, and tells where its values begin and end. As strict as
 * `JSON.parse`, but for what is no UTF-8 (bytes from 0x80 on pass inside strings) and what is nested deeper than 1,000.
 */
export class JsonScan {
  readonly #watcher: JsonWatcher
  #state: State = states.value
  /** Of the containers that are open: what they are, and the names they have. */
  readonly #kinds: JsonKind[] = []
  readonly #names: (string | null)[] = []
  #name: string | null = null
  #kind: JsonKind = 'null'
  #inKey = false
  #keyText = ''
  #hexLeft = 0
  #number: NumberState = beginNumber(0x2d)
  #word = ''
  #wordAt = 0

  constructor(watcher: JsonWatcher) {
    this.#watcher = watcher
  }

  /** What was given so far is one whole value. */
  get whole(): boolean {
    if (this.#state === states.number) return this.#kinds.length === 0 && isWholeNumber(this.#number)
    return this.#state === states.done
  }

  /** What was given so far begins no JSON. */
  get broken(): boolean {
    return this.#state === states.broken
  }

  reset(): void {
    this.#state = states.value
    this.#kinds.length = 0
    this.#names.length = 0
    this.#name = null
  }

  push(bytes: Uint8Array, from = 0, to = bytes.length): void {
    let at = from
    while (at < to) {
      const state = this.#state
      if (state === states.broken) return
      if (state === states.string) at = this.#run(bytes, at, to)
      else if (state === states.number) at = this.#digits(bytes, at, to)
      else {
        if (state === states.escape || state === states.hex) this.#keep(bytes, at, at + 1)
        this.#step(state, bytes[at]!, at)
        at++
      }
    }
  }

  #step(state: State, byte: number, at: number): void {
    if (state === states.word) return this.#letter(byte, at)
    if (state === states.escape) return this.#escape(byte)
    if (state === states.hex) return this.#hex(byte)
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return
    if (state === states.value) return this.#begin(byte, at)
    if (state === states.firstElement && byte !== bracketClose) return this.#begin(byte, at)
    if ((state === states.key || state === states.firstKey) && byte === quote) return this.#beginKey(at)
    if (state === states.colon && byte === colon) this.#state = states.value
    else if (state === states.after && byte === comma) this.#comma(at)
    else if (byte === bracketClose && state !== states.firstKey && this.#closes(state, 'array')) this.#close(at)
    else if (byte === braceClose && state !== states.firstElement && this.#closes(state, 'object')) this.#close(at)
    else this.#state = states.broken
  }

  #closes(state: State, container: JsonKind): boolean {
    const may = state === states.after || state === states.firstElement || state === states.firstKey
    return may && this.#kinds.at(-1) === container
  }

  #begin(byte: number, at: number): void {
    const kind = kindOf(byte)
    if (kind === null || this.#kinds.length >= deepest) {
      this.#state = states.broken
      return
    }
    this.#kind = kind
    const depth = this.#kinds.length
    if (depth <= watchedDepth) this.#watcher.begin(depth, kind, this.#name, at)
    if (kind === 'object' || kind === 'array') {
      this.#kinds.push(kind)
      this.#names.push(this.#name)
      this.#name = null
      this.#state = kind === 'object' ? states.firstKey : states.firstElement
    } else if (kind === 'string') {
      this.#inKey = false
      this.#state = states.string
    } else if (kind === 'number') {
      this.#number = beginNumber(byte)
      this.#state = states.number
    } else {
      this.#word = kind
      this.#wordAt = 1
      this.#state = states.word
    }
  }

  #beginKey(at: number): void {
    const depth = this.#kinds.length
    if (depth <= watchedDepth) this.#watcher.key?.(depth, at)
    this.#inKey = true
    this.#keyText = ''
    this.#state = states.string
  }

  #comma(at: number): void {
    const depth = this.#kinds.length
    if (depth <= watchedDepth) this.#watcher.comma?.(depth, at)
    this.#state = this.#kinds.at(-1) === 'object' ? states.key : states.value
  }

  #close(at: number): void {
    this.#kind = this.#kinds.pop()!
    this.#name = this.#names.pop()!
    this.#end(at + 1)
  }

  #end(at: number): void {
    const depth = this.#kinds.length
    if (depth <= watchedDepth) this.#watcher.end(depth, this.#kind, this.#name, at)
    this.#name = null
    this.#state = depth === 0 ? states.done : states.after
  }

  /** The rest of a string, as far as it goes without an escape. */
  #run(bytes: Uint8Array, from: number, to: number): number {
    let at = from
    let byte = 0
    while (at < to) {
      byte = bytes[at]!
      if (byte === quote || byte === backslash || byte < 0x20) break
      at++
    }
    this.#keep(bytes, from, at)
    if (at === to) return at
    if (byte === backslash) {
      this.#keep(bytes, at, at + 1)
      this.#state = states.escape
    } else if (byte === quote) this.#endString(at)
    else this.#state = states.broken
    return at + 1
  }

  #endString(at: number): void {
    if (!this.#inKey) return this.#end(at + 1)
    const text = this.#keyText
    const plain = text.length > longestName || !text.includes('\\')
    this.#name = plain ? text : (JSON.parse(`"${text}"`) as string)
    this.#state = states.colon
  }

  #escape(byte: number): void {
    if (byte === 0x75) {
      this.#hexLeft = 4
      this.#state = states.hex
    } else this.#state = escapes.has(byte) ? states.string : states.broken
  }

  #hex(byte: number): void {
    if (!isHex(byte)) this.#state = states.broken
    else if (--this.#hexLeft === 0) this.#state = states.string
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    if (!this.#inKey || this.#kinds.length > watchedDepth) return
    for (let at = from; at < to && this.#keyText.length <= longestName; at++)
      this.#keyText += String.fromCharCode(bytes[at]!)
  }

  #letter(byte: number, at: number): void {
    if (byte !== this.#word.charCodeAt(this.#wordAt)) this.#state = states.broken
    else if (++this.#wordAt === this.#word.length) this.#end(at + 1)
  }

  /** The rest of a number; its end shows only in the byte behind it. */
  #digits(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const next = continueNumber(this.#number, bytes[at]!)
      if (next === null) {
        if (isWholeNumber(this.#number)) this.#end(at)
        else this.#state = states.broken
        return at
      }
      this.#number = next
    }
    return to
  }
}

/** Members of members are as deep as anyone looks. */
const watchedDepth = 2
const longestName = 256
const deepest = 1000

const states = {
  value: 0,
  firstElement: 1,
  firstKey: 2,
  key: 3,
  colon: 4,
  after: 5,
  string: 6,
  escape: 7,
  hex: 8,
  number: 9,
  word: 10,
  done: 11,
  broken: 12,
} as const
type State = (typeof states)[keyof typeof states]

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const bracketClose = 0x5d
const braceClose = 0x7d
const escapes: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'))

const isHex = (byte: number): boolean => isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)

function kindOf(byte: number): JsonKind | null {
  if (byte === 0x7b) return 'object'
  if (byte === 0x5b) return 'array'
  if (byte === quote) return 'string'
  if (byte === 0x2d || isDigit(byte)) return 'number'
  if (byte === 0x74) return 'true'
  if (byte === 0x66) return 'false'
  return byte === 0x6e ? 'null' : null
}
