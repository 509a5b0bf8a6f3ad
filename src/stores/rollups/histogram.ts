import type { NumberReader, NumberWriter } from './varints.ts'

/**
 * Counts of milliseconds on a logarithmic scale, with the sum and the greatest value beside: quantiles are off by 1 % at
 * most, mean and maximum are exact (to the microsecond). Adding two of them up is the same as having counted all values in one.
 */
export class Histogram {
  count = 0
  /** Whole microseconds, so that the order of adding never matters. */
  sumUs = 0
  maxMs = 0
  /** Counts of the buckets from `#first` on, without gaps. */
  #counts: number[] = []
  #first = 0

  add(ms: number): void {
    const value = Number.isFinite(ms) && ms > 0 ? Math.min(ms, ceilingMs) : 0
    this.#count(bucketOf(value), 1)
    this.count++
    this.sumUs = saturated(this.sumUs + Math.round(value * 1000))
    if (value > this.maxMs) this.maxMs = value
  }

  merge(other: Histogram): void {
    for (let place = 0; place < other.#counts.length; place++) {
      const count = other.#counts[place] ?? 0
      if (count > 0) this.#count(other.#first + place, count)
    }
    this.#mergeTotals(other.count, other.sumUs, other.maxMs)
  }

  /** Adds what `encode` made, without building a histogram in between; reads on to `end`. */
  mergeEncoded(from: NumberReader, end: number): void {
    if (from.at === end) return
    const maxMs = from.float64()
    const sumUs = from.varint()
    let count = 0
    let bucket = 0
    while (from.at < end) {
      bucket += from.varint()
      const here = from.varint()
      this.#count(bucket, here)
      count += here
    }
    this.#mergeTotals(count, sumUs, maxMs)
  }

  /** The greatest value as float64, the sum, then pairs of (distance to the bucket before, count). Empty: no bytes. */
  encode(to: NumberWriter): void {
    if (this.count === 0) return
    to.float64(this.maxMs)
    to.varint(this.sumUs)
    let before = 0
    for (let place = 0; place < this.#counts.length; place++) {
      const count = this.#counts[place] ?? 0
      if (count === 0) continue
      const bucket = this.#first + place
      to.varint(bucket - before)
      to.varint(count)
      before = bucket
    }
  }

  get meanMs(): number {
    return this.count === 0 ? 0 : this.sumUs / this.count / 1000
  }

  /** The value below which a share of `share` lies; 0 when nothing was counted. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (let place = 0; place < this.#counts.length; place++) {
      seen += this.#counts[place] ?? 0
      if (seen >= rank) return Math.min(middleOf(this.#first + place), this.maxMs)
    }
    return this.maxMs
  }

  /** How many values are at most each of the bounds, which ascend. A value is its bucket's middle: off by 1 % at most. */
  countsUpTo(boundsMs: readonly number[]): number[] {
    let place = 0
    let seen = 0
    return boundsMs.map((boundMs) => {
      for (; place < this.#counts.length && middleOf(this.#first + place) <= boundMs; place++)
        seen += this.#counts[place] ?? 0
      return seen
    })
  }

  #count(bucket: number, count: number): void {
    const place = bucket - this.#first
    const here = this.#counts[place]
    if (here === undefined) this.#widen(bucket, count)
    else this.#counts[place] = here + count
  }

  #widen(bucket: number, count: number): void {
    if (this.#counts.length === 0) this.#first = bucket
    if (bucket < this.#first) {
      this.#counts = [...new Array<number>(this.#first - bucket).fill(0), ...this.#counts]
      this.#first = bucket
    }
    const place = bucket - this.#first
    while (place >= this.#counts.length) this.#counts.push(0)
    this.#counts[place] = (this.#counts[place] ?? 0) + count
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
