/**
 * Reads HTTP/1.1 messages off a socket and keeps what it saw: bytes, order, case and arrival times. Tolerant on purpose; it
 * judges nothing and shares no code with the product.
 */
export class MessageReader {
  #kind: 'request' | 'response'
  #events: ReaderEvents
  #state: State = 'head'
  #line: Buffer = Buffer.alloc(0)
  #left = 0
  #message: Message | null = null
  /** Methods of requests whose answers are awaited; an answer to HEAD has no body. */
  readonly methods: string[] = []

  constructor(kind: 'request' | 'response', events: ReaderEvents) {
    this.#kind = kind
    this.#events = events
  }

  /** The message being read, if one has begun. */
  get current(): Message | null {
    return this.#message
  }

  push(bytes: Buffer, atMs: number): void {
    let rest = bytes
    while (rest.length > 0) rest = this.#read(rest, atMs)
  }

  /** The peer sent FIN: completes a close-delimited message, and leaves any other as it is. */
  fin(): void {
    if (this.#state === 'close' && this.#message) this.#end()
  }

  #read(bytes: Buffer, atMs: number): Buffer {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, atMs)
      case 'length':
      case 'chunk': {
        const part = bytes.subarray(0, this.#left)
        this.#left -= part.length
        this.#body(part, part, atMs)
        if (this.#left === 0) this.#state === 'length' ? this.#end() : this.#to('chunk-end')
        return bytes.subarray(part.length)
      }
      case 'close':
        this.#body(bytes, bytes, atMs)
        return bytes.subarray(bytes.length)
      default:
        return this.#readLine(bytes, atMs)
    }
  }

  #readHead(bytes: Buffer, atMs: number): Buffer {
    const before = this.#line.length
    const all = before === 0 ? bytes : Buffer.concat([this.#line, bytes])
    const end = all.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (end < 0) {
      this.#line = all
      return bytes.subarray(bytes.length)
    }
    this.#line = Buffer.alloc(0)
    this.#begin(all.subarray(0, end + 4), atMs)
    return all.subarray(end + 4)
  }

  #readLine(bytes: Buffer, atMs: number): Buffer {
    const before = this.#line.length
    const all = before === 0 ? bytes : Buffer.concat([this.#line, bytes])
    const end = all.indexOf('\r\n', Math.max(0, before - 1))
    if (end < 0) {
      this.#line = all
      return bytes.subarray(bytes.length)
    }
    this.#line = Buffer.alloc(0)
    const message = this.#message!
    message.framed.push(all.subarray(0, end + 2))
    const line = all.subarray(0, end).toString('latin1')
    if (this.#state === 'size') {
      this.#left = Number.parseInt(line, 16)
      message.chunkSizes.push(this.#left)
      if (Number.isNaN(this.#left)) throw new Error(`no chunk size: ${JSON.stringify(line)}`)
      this.#to(this.#left === 0 ? 'trailers' : 'chunk')
    } else if (this.#state === 'chunk-end') this.#to('size')
    else if (line === '') this.#end(atMs)
    else message.trailers.push(pair(line))
    return all.subarray(end + 2)
  }

  #begin(rawHead: Buffer, atMs: number): void {
    const [startLine = '', ...lines] = rawHead.subarray(0, -4).toString('latin1').split('\r\n')
    const message: Message = {
      startLine,
      rawHead,
      headers: lines.map(pair),
      framing: 'none',
      headAtMs: atMs,
      endAtMs: null,
      pieces: [],
      chunkSizes: [],
      framed: [],
      trailers: [],
      complete: false,
    }
    this.#message = message
    const all = (name: string) =>
      message.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
    const length = Number(all('content-length')[0] ?? Number.NaN)
    const status = this.#kind === 'response' ? Number(startLine.split(' ')[1]) : null
    const interim = status !== null && status < 200
    const method = status === null || interim ? null : (this.methods.shift() ?? null)
    const bodyless = interim || status === 204 || status === 304 || method === 'HEAD'
    if (bodyless) message.framing = 'none'
    else if (all('transfer-encoding').some((value) => /chunked/i.test(value))) message.framing = 'chunked'
    else if (!Number.isNaN(length)) message.framing = 'length'
    else if (this.#kind === 'response') message.framing = 'close'
    this.#left = message.framing === 'length' ? length : 0
    this.#events.head?.(message)
    if (message.framing === 'chunked') this.#to('size')
    else if (message.framing === 'close') this.#to('close')
    else if (this.#left > 0) this.#to('length')
    else this.#end(atMs)
  }

  #body(bytes: Buffer, framed: Buffer, atMs: number): void {
    const message = this.#message!
    message.framed.push(framed)
    const last = message.pieces.at(-1)
    if (last?.atMs === atMs) last.bytes = Buffer.concat([last.bytes, bytes])
    else message.pieces.push({ atMs, bytes })
    message.endAtMs = atMs
    this.#events.piece?.(message)
  }

  #end(atMs?: number): void {
    const message = this.#message!
    message.complete = true
    if (atMs !== undefined) message.endAtMs = atMs
    this.#message = null
    this.#to('head')
    this.#events.end?.(message)
  }

  #to(state: State): void {
    this.#state = state
  }
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'close'

export interface ReaderEvents {
  head?: (message: Message) => void
  piece?: (message: Message) => void
  end?: (message: Message) => void
}

export interface Message {
  startLine: string
  rawHead: Buffer
  /** Names and values in order and case as they came, outer blanks removed. */
  headers: HeaderList
  framing: 'length' | 'chunked' | 'close' | 'none'
  headAtMs: number
  /** When the last byte came; null before the first byte of a body. */
  endAtMs: number | null
  /** Body bytes without chunk framing, by arrival (bytes of one read are one piece). */
  pieces: { atMs: number; bytes: Buffer }[]
  /** Sizes of the chunks of a chunked body, the closing 0 included. */
  chunkSizes: number[]
  /** Body bytes as they stood on the wire, with chunk framing. */
  framed: Buffer[]
  trailers: HeaderList
  complete: boolean
}

export type HeaderList = [name: string, value: string][]

export const bodyOf = (message: Pick<Message, 'pieces'>): Buffer =>
  Buffer.concat(message.pieces.map((piece) => piece.bytes))

/** All values of a field, in order; names compare without case. */
export const valuesOf = (headers: HeaderList, name: string): string[] =>
  headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value)

function pair(line: string): [string, string] {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')]
}
