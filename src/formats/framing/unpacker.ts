import { type Inflater, openInflater } from '../../lib/inflater.ts'

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
    this.#inflater = openInflater(this.coding, start, this.#limitBytes)
    return this.#inflater.write(start)
  }

  #note(): void {
    this.failure = this.#inflater?.error?.message.replace(/^zlib: /, '') ?? null
    this.overflowed = this.#inflater?.error?.code === 'ERR_BUFFER_TOO_LARGE'
  }

  #salvage(): Uint8Array[] {
    const before = joined(this.#history.slice(0, -1))
    const failing = this.#history.at(-1)!
    const again = openInflater(this.coding, joined(this.#history), this.#limitBytes)
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

// small enough that one slice of any coding but a hostile one stays far below the limit
const sliceBytes = 4096

const joined = (slices: readonly Uint8Array[]): Uint8Array => (slices.length === 1 ? slices[0]! : Buffer.concat(slices))
