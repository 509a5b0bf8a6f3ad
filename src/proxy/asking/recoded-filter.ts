import { Deflater } from '../../lib/deflater.ts'
import { type Inflater, openInflater } from '../../lib/inflater.ts'
import { type Filter, UsageFilter } from './usage-filter.ts'

/**
 * The filter for a stream that came compressed: taken out of its coding, filtered, and put into the same coding again, so that
 * the head that announces it stays true. Each piece is passed as far as it can be read.
 */
export class RecodedFilter implements Filter {
  failure: string | null = null
  /** The stream never was in the coding that its head announces: it passes as it came. */
  #miscoded = false
  readonly #coding: string
  readonly #filter = new UsageFilter()
  #start: Buffer = Buffer.alloc(0)
  #way: { in: Inflater; out: Deflater } | null = null

  constructor(coding: string) {
    this.#coding = coding
  }

  get withheldBytes(): number {
    return this.#filter.withheldBytes
  }

  get note(): string | null {
    return this.#miscoded
      ? `the stream was not in ${this.#coding} as its head said, and passed as it came`
      : this.#filter.note
  }

  push(piece: Buffer): Buffer | null {
    if (this.failure !== null) return null
    if (this.#miscoded) return piece
    const first = this.#way === null
    const bytes = first ? Buffer.concat([this.#start, piece]) : piece
    if (first) this.#start = bytes
    // which form a coding has shows in its first two bytes
    if (first && bytes.length < 2) return null
    this.#way ??= { in: openInflater(this.#coding, bytes, 0), out: new Deflater(this.#coding, bytes) }
    const passed = this.#recoded(this.#way, bytes)
    if (!first || passed !== null || this.#way.in.error === null) return passed
    this.failure = null
    this.#miscoded = true
    return bytes
  }

  /** The rest. An end that the upstream's coding did not have is not made up. */
  end(): Buffer | null {
    const way = this.#way
    if (this.#miscoded) return null
    if (way === null) return this.#start.length === 0 ? null : this.#start
    const parts: Buffer[] = []
    if (this.failure === null) for (const chunk of way.in.end()) this.#take(chunk, way, parts)
    const rest = this.#filter.end()
    if (rest) parts.push(way.out.write(rest))
    if (this.failure === null && way.in.error === null) parts.push(way.out.end())
    way.in.close()
    way.out.close()
    return joined(parts)
  }

  #recoded(way: { in: Inflater; out: Deflater }, bytes: Buffer): Buffer | null {
    const parts: Buffer[] = []
    let room = atOnceBytes + bytes.length * largestRatio
    for (let from = 0; from < bytes.length && this.failure === null; from += sliceBytes) {
      for (const chunk of way.in.write(bytes.subarray(from, from + sliceBytes))) {
        this.#take(chunk, way, parts)
        room -= chunk.length
      }
      this.failure = way.in.error?.message ?? (room < 0 ? 'it is far smaller than any stream of text can be' : null)
    }
    return joined(parts)
  }

  #take(chunk: Uint8Array, { out }: { out: Deflater }, parts: Buffer[]): void {
    const passed = this.#filter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (passed) parts.push(out.write(passed))
  }
}

// a slice of a bomb becomes 4 MiB
const sliceBytes = 4096
// text that repeats itself in one word reaches 1000, an answer 10
const largestRatio = 100
const atOnceBytes = 1 << 20

const joined = (parts: readonly Buffer[]): Buffer | null => (parts.length === 0 ? null : Buffer.concat(parts))
