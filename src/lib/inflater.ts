import { constants } from 'node:zlib'
import { BrotliDecompress, Gunzip, Inflate, InflateRaw, ZlibError, type ZlibOptions, ZstdDecompress } from 'minizlib'

export const isCoding = (coding: string): boolean => Object.hasOwn(openers, coding)

/** Takes a coding off; `start`: its first bytes, at least two. More than `limitBytes` from one call to `write` is an error. */
export const openInflater = (coding: string, start: Uint8Array, limitBytes: number): Inflater =>
  new Inflater(openers[coding]!(start, limitBytes))

/** A synchronous stream of minizlib as plain calls: bytes in, chunks out. */
export class Inflater {
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
export const isZlib = (start: Uint8Array): boolean =>
  (start[0]! & 0x0f) === 8 && ((start[0]! << 8) | start[1]!) % 31 === 0
