/** Numbers as bytes: LEB128 for whole ones (small ones take one byte), eight bytes for floats. */
export class NumberWriter {
  #bytes = new Uint8Array(512)
  #length = 0

  float64(value: number): void {
    this.#room(8)
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true)
    this.#length += 8
  }

  /** Whole, from 0 to 2⁵³ - 1. */
  varint(value: number): void {
    this.#room(8)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  /** Of any size, from 0 up; the same bytes as `varint` makes. */
  bigVarint(value: bigint): void {
    let rest = value
    for (; rest > 127n; rest >>= 7n) {
      this.#room(8)
      this.#bytes[this.#length++] = Number(rest & 127n) | 128
    }
    this.varint(Number(rest))
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  clear(): this {
    this.#length = 0
    return this
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(2 * (this.#length + bytes))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

export class NumberReader {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  float64(): number {
    for (let place = 0; place < 8; place++) eightBytes[place] = this.#next()
    return eight.getFloat64(0, true)
  }

  varint(): number {
    const first = this.#next()
    if (first < 128) return first
    let value = first & 127
    let unit = 128
    for (;;) {
      const byte = this.#next()
      value += (byte & 127) * unit
      if (byte < 128) return value
      unit *= 128
    }
  }

  bigVarint(): bigint {
    let low = 0
    let unit = 1
    for (let place = 0; place < exactBytes; place++) {
      const byte = this.#next()
      low += (byte & 127) * unit
      if (byte < 128) return BigInt(low)
      unit *= 128
    }
    let value = BigInt(low)
    for (let shift = 7n * BigInt(exactBytes); ; shift += 7n) {
      const byte = this.#next()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }

  #next(): number {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) throw new RangeError(`${this.#bytes.length} bytes of numbers end inside a number`)
    return byte
  }
}

/** So many bytes of seven bits are a whole number that counts exactly. */
const exactBytes = 7

// a view of each row's own bytes would be made for each float
const eightBytes = new Uint8Array(8)
const eight = new DataView(eightBytes.buffer)
