import { constants } from 'node:zlib'
import { BrotliCompress, Deflate, DeflateRaw, Gzip, type ZlibOptions, ZstdCompress } from 'minizlib'
import { isZlib } from './inflater.ts'

/** Puts a coding on, on this thread: what was written can be read at the other end at once. */
export class Deflater {
  readonly #stream: ZlibStream
  #chunks: Buffer[] = []

  /** `start`: the first two bytes of a body in that coding, which form of it is wanted. */
  constructor(coding: string, start: Uint8Array) {
    this.#stream = openers[coding]!(start)
    this.#stream.on('data', (chunk) => {
      this.#chunks.push(chunk)
    })
  }

  write(bytes: Buffer): Buffer {
    this.#stream.write(bytes)
    return this.#taken()
  }

  end(): Buffer {
    this.#stream.end()
    return this.#taken()
  }

  close(): void {
    this.#stream.close()
  }

  #taken(): Buffer {
    const chunks = this.#chunks
    this.#chunks = []
    return Buffer.concat(chunks)
  }
}

type ZlibStream = Gzip | Deflate | DeflateRaw | BrotliCompress | ZstdCompress

const flush = { flush: constants.Z_SYNC_FLUSH }
// the library's own quality is for files: it takes a hundred times as long
const brotli: ZlibOptions & { params: Record<number, number> } = {
  flush: constants.BROTLI_OPERATION_FLUSH,
  params: { [constants.BROTLI_PARAM_QUALITY]: 4 },
}

const openers: Readonly<Record<string, (start: Uint8Array) => ZlibStream>> = {
  gzip: () => new Gzip({ ...flush }),
  'x-gzip': () => new Gzip({ ...flush }),
  deflate: (start) => new (isZlib(start) ? Deflate : DeflateRaw)({ ...flush }),
  br: () => new BrotliCompress({ ...brotli }),
  zstd: () => new ZstdCompress({ flush: constants.ZSTD_e_flush }),
}
