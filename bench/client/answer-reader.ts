/** What of an answer has come. */
export interface AnswerEvents {
  /** Bytes of the body, without the framing of chunks. */
  body(bytes: Buffer): void
  /** The whole answer is there. */
  end(status: number): void
}

const headEnd = Buffer.from('\r\n\r\n')

/** Reads HTTP/1.1 answers off one connection: a length, or chunks. Just enough for answers that we scripted ourselves. */
export class AnswerReader {
  readonly #events: AnswerEvents
  #rest: Buffer | null = null
  #status = 0
  /** Bytes still to come: of the body, or of the chunk with its line end. */
  #remaining = 0
  #state: 'head' | 'length' | 'size' | 'chunk' | 'trailer' = 'head'

  constructor(events: AnswerEvents) {
    this.#events = events
  }

  take(bytes: Buffer): void {
    let data = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes
    this.#rest = null
    while (data.length > 0) {
      const taken = this.#step(data)
      if (taken === 0) {
        this.#rest = data
        return
      }
      data = data.subarray(taken)
    }
  }

  #step(data: Buffer): number {
    if (this.#state === 'head') return this.#head(data)
    if (this.#state === 'length') return this.#length(data)
    if (this.#state === 'chunk') return this.#chunk(data)
    const end = data.indexOf('\r\n')
    if (end < 0) return 0
    if (this.#state === 'trailer') {
      if (end === 0) this.#done()
      return end + 2
    }
    this.#remaining = Number.parseInt(data.toString('latin1', 0, end), 16) + 2
    this.#state = this.#remaining === 2 ? 'trailer' : 'chunk'
    return end + 2
  }

  #head(data: Buffer): number {
    const end = data.indexOf(headEnd)
    if (end < 0) return 0
    const head = data.toString('latin1', 0, end)
    this.#status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    this.#remaining = Number(length ?? 0)
    this.#state = length === undefined ? 'size' : 'length'
    if (length === '0') this.#done()
    return end + 4
  }

  #length(data: Buffer): number {
    const taken = Math.min(data.length, this.#remaining)
    this.#events.body(taken === data.length ? data : data.subarray(0, taken))
    this.#remaining -= taken
    if (this.#remaining === 0) this.#done()
    return taken
  }

  #chunk(data: Buffer): number {
    const taken = Math.min(data.length, this.#remaining)
    const wanted = Math.min(taken, this.#remaining - 2)
    if (wanted > 0) this.#events.body(data.subarray(0, wanted))
    this.#remaining -= taken
    if (this.#remaining === 0) this.#state = 'size'
    return taken
  }

  #done(): void {
    this.#state = 'head'
    this.#events.end(this.#status)
  }
}
