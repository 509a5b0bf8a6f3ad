/**
 * Counts of milliseconds on a logarithmic scale, with the sum and the greatest value beside: quantiles are off by 1 % at
 * most, mean and maximum are exact (to the microsecond). Adding two of them up is the same as having counted all values in one.
 */
export class Histogram {
  count = 0
  /** Whole microseconds, so that the order of adding never matters. */
  sumUs = 0
  maxMs = 0
  readonly #buckets = new Map<number, number>()

  add(ms: number): void {
    const value = Number.isFinite(ms) && ms > 0 ? Math.min(ms, ceilingMs) : 0
    this.#count(bucketOf(value), 1)
    this.count++
    this.sumUs = saturated(this.sumUs + Math.round(value * 1000))
    if (value > this.maxMs) this.maxMs = value
  }

  merge(other: Histogram): void {
    for (const [bucket, count] of other.#buckets) this.#count(bucket, count)
    this.#mergeTotals(other.count, other.sumUs, other.maxMs)
  }

  /** Adds what `encode` made, without building a histogram in between. */
  mergeEncoded(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const from = new Reader(bytes)
    const maxMs = from.float64()
    const sumUs = from.varint()
    let count = 0
    let bucket = 0
    while (!from.done) {
      bucket += from.varint()
      const here = from.varint()
      this.#count(bucket, here)
      count += here
    }
    this.#mergeTotals(count, sumUs, maxMs)
  }

  /** The greatest value as float64, the sum, then pairs of (distance to the bucket before, count). Empty: no bytes. */
  encode(): Uint8Array {
    if (this.count === 0) return new Uint8Array(0)
    const to = new Writer(16 + this.#buckets.size * 10)
    to.float64(this.maxMs)
    to.varint(this.sumUs)
    let before = 0
    for (const bucket of this.#sorted()) {
      to.varint(bucket - before)
      to.varint(this.#buckets.get(bucket) ?? 0)
      before = bucket
    }
    return to.bytes()
  }

  get meanMs(): number {
    return this.count === 0 ? 0 : this.sumUs / this.count / 1000
  }

  /** The value below which a share of `share` lies; 0 when nothing was counted. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (const bucket of this.#sorted()) {
      seen += this.#buckets.get(bucket) ?? 0
      if (seen >= rank) return Math.min(middleOf(bucket), this.maxMs)
    }
    return this.maxMs
  }

  #sorted(): number[] {
    return [...this.#buckets.keys()].sort((one, other) => one - other)
  }

  #count(bucket: number, count: number): void {
    this.#buckets.set(bucket, saturated((this.#buckets.get(bucket) ?? 0) + count))
  }

  #mergeTotals(count: number, sumUs: number, maxMs: number): void {
    this.count = saturated(this.count + count)
    this.sumUs = saturated(this.sumUs + sumUs)
    if (maxMs > this.maxMs) this.maxMs = maxMs
  }
}

/** The greatest number that still counts exactly; sums stop there instead of becoming wrong or unreadable. */
export const saturated = (value: number): number => Math.min(value, Number.MAX_SAFE_INTEGER)

const relativeError = 0.01
const growth = (1 + relativeError) / (1 - relativeError)
const logGrowth = Math.log(growth)
/** Below a microsecond all is zero: bucket 0. */
const floorMs = 0.001
const firstIndex = Math.ceil(Math.log(floorMs) / logGrowth)
const ceilingMs = 1e12

const bucketOf = (ms: number): number =>
  ms < floorMs ? 0 : Math.max(0, Math.ceil(Math.log(ms) / logGrowth) - firstIndex) + 1

const middleOf = (bucket: number): number =>
  bucket === 0 ? 0 : (2 * growth ** (bucket - 1 + firstIndex)) / (growth + 1)

class Writer {
  readonly #bytes: Uint8Array
  #length = 0

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity + 8)
  }

  float64(value: number): void {
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true)
    this.#length += 8
  }

  /** LEB128 of a number up to 2⁵³. */
  varint(value: number): void {
    let rest = value
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  float64(): number {
    const { buffer, byteOffset, length } = this.#bytes
    const value = new DataView(buffer, byteOffset, length).getFloat64(this.#at, true)
    this.#at += 8
    return value
  }

  varint(): number {
    let value = 0
    let unit = 1
    for (;;) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new RangeError(`histogram of ${this.#bytes.length} bytes ends inside a number`)
      value += (byte & 127) * unit
      if (byte < 128) return value
      unit *= 128
    }
  }
}
