import { constants } from 'node:zlib'
import { BrotliDecompress, Gunzip, Inflate, InflateRaw, ZlibError, type ZlibOptions, ZstdDecompress } from 'minizlib'

/** One coding. On an error the failing bytes are fed again one by one, so that everything before the error comes out. */
export class Unpacker {
  readonly coding: string
  failure: string | null = null
  overflowed = false
  readonly #limitBytes: number
  readonly #history: Uint8Array[] = []
  #given = 0
  #inflater: Inflater | null = null

  constructor(coding: string, limitBytes: number) {
    this.coding = coding
    this.#limitBytes = limitBytes
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = []
    for (let start = 0; start < bytes.length && this.failure === null; start += sliceBytes) {
      this.#history.push(bytes.subarray(start, start + sliceBytes))
      const chunks = this.#next()
      this.#note()
      // what overflows is past the limit anyway: unpacking a bomb twice would double what it costs
      out.push(...(this.failure === null || this.overflowed ? chunks : this.#salvage()))
      for (const chunk of chunks) this.#given += chunk.length
    }
    return out
  }

  end(): Uint8Array[] {
    if (this.failure !== null || this.#history.length === 0) return []
    if (!this.#inflater) {
      this.failure = 'ended early'
      return []
    }
    const chunks = this.#inflater.end()
    this.#note()
    if (this.failure !== null && !this.overflowed) this.failure = 'ended early'
    return chunks
  }

  close(): void {
    this.#inflater?.close()
  }

  /** Which form of a coding it is shows in the first two bytes; until then they wait. */
  #next(): Uint8Array[] {
    if (this.#inflater) return this.#inflater.write(this.#history.at(-1)!)
    const start = joined(this.#history)
    if (start.length < 2) return []
    this.#inflater = new Inflater(openers[this.coding]!(start, this.#limitBytes))
    return this.#inflater.write(start)
  }

  #note(): void {
    this.failure = this.#inflater?.error?.message.replace(/^zlib: /, '') ?? null
    this.overflowed = this.#inflater?.error?.code === 'ERR_BUFFER_TOO_LARGE'
  }

  #salvage(): Uint8Array[] {
    const before = joined(this.#history.slice(0, -1))
    const failing = this.#history.at(-1)!
    const again = new Inflater(openers[this.coding]!(joined(this.#history), this.#limitBytes))
    const out: Uint8Array[] = []
    let skip = this.#given
    const take = (bytes: Uint8Array): void => {
      for (const chunk of again.write(bytes)) {
        const fresh = chunk.subarray(Math.min(skip, chunk.length))
        skip -= chunk.length - fresh.length
        if (fresh.length > 0) out.push(fresh)
      }
    }
    for (let start = 0; start < before.length; start += sliceBytes) take(before.subarray(start, start + sliceBytes))
    for (let place = 0; place < failing.length && !again.error; place++) take(failing.subarray(place, place + 1))
    again.close()
    return out
  }
}

/** A synchronous stream of minizlib as plain calls: bytes in, chunks out. */
class Inflater {
  error: ZlibError | null = null
  readonly #stream: ZlibStream
  #chunks: Uint8Array[] = []

  constructor(stream: ZlibStream) {
    this.#stream = stream
    stream.on('data', (chunk) => {
      this.#chunks.push(chunk)
    })
    stream.on('error', (error) => {
      this.error ??= error instanceof ZlibError ? error : new ZlibError(new Error(String(error)))
    })
  }

  write(bytes: Uint8Array): Uint8Array[] {
    let rest = bytes
    while (rest.length > 0 && !this.error) {
      this.#stream.write(Buffer.from(rest.buffer, rest.byteOffset, rest.byteLength))
      const read = this.#stream.handle?.bytesWritten ?? 0
      // node:zlib stops after each zstd frame, and more may follow in the same bytes
      if (!(this.#stream instanceof ZstdDecompress) || read === 0) break
      rest = rest.subarray(read)
    }
    return this.#taken()
  }

  end(): Uint8Array[] {
    if (!this.error) this.#stream.end()
    return this.#taken()
  }

  close(): void {
    this.#stream.close()
  }

  #taken(): Uint8Array[] {
    const chunks = this.#chunks
    this.#chunks = []
    return chunks.filter((chunk) => chunk.length > 0)
  }
}

type ZlibStream = Gunzip | Inflate | InflateRaw | BrotliDecompress | ZstdDecompress
type Opener = (start: Uint8Array, limitBytes: number) => ZlibStream

// small enough that one slice of any coding but a hostile one stays far below the limit
const sliceBytes = 4096

export const isCoding = (coding: string): boolean => Object.hasOwn(openers, coding)

const openers: Readonly<Record<string, Opener>> = {
  gzip: (_start, limitBytes) => new Gunzip(options(limitBytes)),
  'x-gzip': (_start, limitBytes) => new Gunzip(options(limitBytes)),
  deflate: (start, limitBytes) => new (isZlib(start) ? Inflate : InflateRaw)(options(limitBytes)),
  br: (_start, limitBytes) => new BrotliDecompress(options(limitBytes)),
  zstd: (_start, limitBytes) =>
    new ZstdDecompress(options(limitBytes, { [constants.ZSTD_d_windowLogMax]: windowLogMax })),
}

// what passes this at once is lost whole: one brotli metablock must fit
const onceBytes = 16 << 20

// a window larger than the most we decode only costs memory; RFC 9659 allows senders 8 MiB
const windowLogMax = 25

/** minizlib hands its options on to node:zlib; its types name only its own. */
function options(limitBytes: number, params: Record<number, number> = {}): ZlibOptions {
  const all: ZlibOptions & { maxOutputLength: number; params: Record<number, number> } = {
    maxOutputLength: limitBytes + onceBytes,
    params,
  }
  return all
}

/** RFC 1950 §2.2; everything else under the name `deflate` is the raw form. */
const isZlib = (start: Uint8Array): boolean => (start[0]! & 0x0f) === 8 && ((start[0]! << 8) | start[1]!) % 31 === 0

const joined = (slices: readonly Uint8Array[]): Uint8Array => (slices.length === 1 ? slices[0]! : Buffer.concat(slices))
