import { TextDecoder } from 'node:util'
import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Piece } from '../../records/exchange.ts'
import { parseJson } from '../../records/json.ts'
import { emptyReading, eventLimit, type Reading, type Receiver } from './reading.ts'
import { BoundarySearch } from './sse-boundary.ts'

// far below the event limit, so that an event that passes it began before the slice in which it does
const sliceCharacters = 64 << 10

/**
 * Reads server-sent events (WHATWG HTML) whose data is JSON. `clean`: the message reached its own end; then a last event
 * without its blank line counts, otherwise only when it is complete JSON. Events above `limit` characters are skipped.
 */
export function readSse(pieces: Iterable<Piece>, clean: boolean, receiver: Receiver, limit = eventLimit): Reading {
  const stream = new SseReader(receiver, limit)
  let expected = 0
  for (const piece of pieces) {
    if (piece.offset !== expected) stream.gap(piece.atMs)
    stream.push(piece.bytes, piece.atMs)
    expected = piece.offset + piece.bytes.length
  }
  stream.end(clean)
  return stream.reading
}

class SseReader {
  readonly reading: Reading = emptyReading()
  readonly #receiver: Receiver
  readonly #sliceCharacters: number
  readonly #parser: EventSourceParser
  #text = newDecoder()
  #atMs = 0
  #done = false
  #overflowed = false
  /** An event that ends here may be torn: it counts only when it can be read. */
  #doubtful = false
  #search: BoundarySearch | null = null

  constructor(receiver: Receiver, limit: number) {
    this.#receiver = receiver
    this.#sliceCharacters = Math.min(sliceCharacters, Math.max(1, limit >> 1))
    this.#parser = createParser({
      maxBufferSize: limit,
      onEvent: (event) => this.#event(event.data, event.event ?? null),
      onComment: () => {
        this.reading.comments++
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.#overflowed = true
      },
    })
  }

  push(bytes: Uint8Array, atMs: number): void {
    this.#atMs = atMs
    this.#characters(this.#text.decode(bytes, { stream: true }))
  }

  /** Bytes are missing: what was begun may be torn, and reading goes on at the next blank line. */
  gap(atMs: number): void {
    this.reading.gaps++
    this.#flush(true)
    this.#atMs = atMs
    this.#text = newDecoder()
    this.#search = new BoundarySearch()
  }

  end(clean: boolean): void {
    this.#characters(this.#text.decode())
    this.#flush(!clean)
  }

  #characters(text: string): void {
    for (let start = 0; start < text.length; start += this.#sliceCharacters) {
      this.#slice(text.slice(start, start + this.#sliceCharacters))
    }
  }

  #slice(text: string): void {
    let rest = text
    while (rest !== '') {
      if (this.#search) {
        const boundary = this.#search.find(rest)
        if (boundary === -1) break
        this.#search = null
        this.#parser.reset()
        rest = rest.slice(boundary)
        continue
      }
      this.#parser.feed(rest)
      if (!this.#overflowed) break
      this.#overflowed = false
      this.reading.tooLarge++
      this.#search = new BoundarySearch()
    }
  }

  /** Two line ends complete whatever event is pending. */
  #flush(doubtful: boolean): void {
    if (this.#search) return
    this.#doubtful = doubtful
    this.#parser.feed('\n\n')
    this.#parser.reset()
    this.#doubtful = false
    this.#overflowed = false
  }

  #event(data: string, name: string | null): void {
    if (this.#done) return
    const trimmed = data.trim()
    if (trimmed === '[DONE]') {
      this.reading.events++
      this.#done = true
      this.#receiver.done(this.#atMs)
      return
    }
    // the text of an error that is no JSON is still its message
    const parsed =
      trimmed === '' ? { value: null } : (parseJson(data) ?? (name === 'error' ? { value: trimmed } : null))
    if (parsed === null && this.#doubtful) return
    this.reading.events++
    if (parsed === null) this.reading.badEvents++
    else if (parsed.value !== null) this.#receiver.value(parsed.value, this.#atMs, name)
  }
}

// the parser takes the one leading BOM off itself
const newDecoder = (): TextDecoder => new TextDecoder('utf-8', { ignoreBOM: true })
