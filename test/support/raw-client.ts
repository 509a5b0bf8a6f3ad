import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { bodyOf, type HeaderList, type Message, MessageReader, valuesOf } from './message-reader.ts'
import { pause, signal, within } from './within.ts'

/** Sends bytes as they are on a connection of its own, and returns the answer with everything that could be seen of it. */
export async function rawExchange(
  port: number,
  request: Sendable | readonly (Sendable | { waitMs: number })[],
  options: ExchangeOptions = {},
): Promise<RawAnswer> {
  const connection = await rawConnect(port, options)
  try {
    return await connection.exchange(request, options)
  } finally {
    connection.socket.destroy()
  }
}

/** A connection for tests that need to do something in the middle: look, pause, half-close, abort, ask again. */
export async function rawConnect(port: number, options: ExchangeOptions = {}): Promise<RawConnection> {
  const socket = connect({ port, host: options.host ?? '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await within(options.deadlineMs ?? 5000, `a connection to port ${port}`, once(socket, 'connect'))
  return new RawConnection(socket, options)
}

export type Sendable = Uint8Array | string

export interface ExchangeOptions {
  host?: string
  /** For the whole exchange. */
  deadlineMs?: number
  /** Reads at most this many bytes a second. */
  bytesPerSecond?: number
}

export interface RawAnswer {
  /** Everything received, interim answers included. */
  raw: Buffer
  /** Null when not even a head came. */
  statusLine: string | null
  status: number | null
  reason: string | null
  rawHead: Buffer
  headers: HeaderList
  /** All values of a field, joined with `, `; null without the field. */
  header(name: string): string | null
  /** The head as text without the named fields, for comparing two answers. */
  headWithout(...names: string[]): string
  framing: Message['framing'] | null
  body: Buffer
  bodyText: string
  json: unknown
  /** Body bytes as framed on the wire. */
  framedBody: Buffer
  chunkSizes: readonly number[]
  pieces: readonly { atMs: number; bytes: Buffer }[]
  trailers: HeaderList
  interim: readonly Message[]
  /**
   * `clean`: the message ended by its own framing (FIN, where nothing else frames it). `FIN`, `RST`: it was cut so.
   */
  ended: 'clean' | 'FIN' | 'RST'
  sentAtMs: number
  headAtMs: number | null
  endAtMs: number
}

export class RawConnection {
  readonly socket: Socket
  #options: ExchangeOptions
  #received: Buffer[] = []
  #interim: Message[] = []
  #answer: Message | null = null
  #end = signal<'clean' | 'FIN' | 'RST'>()
  #over: 'FIN' | 'RST' | null = null
  #reader: MessageReader
  #sentAtMs = performance.now()
  #watchers = new Set<() => void>()

  constructor(socket: Socket, options: ExchangeOptions) {
    this.socket = socket
    this.#options = options
    this.#reader = new MessageReader('response', {
      head: (message) => {
        if (isInterim(message)) this.#interim.push(message)
        else this.#answer = message
      },
      end: (message) => {
        if (!isInterim(message)) this.#end.give('clean')
      },
    })
    socket.on('data', (bytes) => {
      this.#received.push(bytes)
      this.#reader.push(bytes, performance.now())
      for (const look of this.#watchers) look()
      if (options.bytesPerSecond) void this.#slowDown(bytes.length, options.bytesPerSecond)
    })
    socket.on('end', () => {
      this.#reader.fin()
      this.#cut('FIN')
    })
    socket.on('error', () => this.#cut('RST'))
    socket.on('close', () => this.#cut('FIN'))
  }

  /** Sends a request and reads its answer to the end. Several may follow each other. */
  async exchange(
    request: Sendable | readonly (Sendable | { waitMs: number })[],
    options: ExchangeOptions = this.#options,
  ): Promise<RawAnswer> {
    await this.send(request)
    return this.answered(options.deadlineMs)
  }

  /** Sends the bytes and sets up the reading of the next answer. */
  async send(request: Sendable | readonly (Sendable | { waitMs: number })[]): Promise<void> {
    const steps = Array.isArray(request)
      ? (request as readonly (Sendable | { waitMs: number })[])
      : [request as Sendable]
    this.#begin(steps)
    for (const step of steps) {
      if (typeof step !== 'string' && 'waitMs' in step) await pause(step.waitMs)
      else await this.more(step)
    }
  }

  /** More bytes of the request that `send` began. Text is sent as latin1. */
  async more(bytes: Sendable): Promise<void> {
    if (!this.socket.writable) return
    if (this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)) return
    await new Promise<void>((resolve) => {
      this.socket.once('drain', resolve)
      this.socket.once('close', resolve)
    })
  }

  /** The answer, once it has ended in whatever way. */
  async answered(ms = this.#options.deadlineMs ?? 10_000): Promise<RawAnswer> {
    const ended = await within(ms, 'the end of the answer', this.#end.promise)
    return this.#result(ended)
  }

  /** Resolves once the head of the answer has come. */
  async head(ms = 5000): Promise<RawAnswer> {
    await this.#seen(ms, 'the head of the answer', () => this.#answer !== null)
    return this.#result('clean')
  }

  /** Resolves once this many bytes of the answer's body have come. */
  async bodyBytes(count: number, ms = 5000): Promise<Buffer> {
    const size = () => this.#answer?.pieces.reduce((sum, piece) => sum + piece.bytes.length, 0) ?? 0
    await this.#seen(ms, `${count} bytes of the answer`, () => size() >= count)
    return bodyOf(this.#answer!)
  }

  /** Resolves once the answer's body holds this text. */
  async bodyText(text: string, ms = 5000): Promise<void> {
    await this.#seen(ms, `${JSON.stringify(text)} in the answer`, () =>
      this.#answer ? bodyOf(this.#answer).includes(text) : false,
    )
  }

  /** FIN after everything sent; the answer can still be read. */
  halfClose(): void {
    this.socket.end()
  }

  /** RST, as when a process dies with unread data. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** FIN and no more reading, as most clients leave. */
  leave(): void {
    this.socket.destroy()
  }

  #begin(steps: readonly unknown[]): void {
    const first = steps.find((step) => typeof step === 'string' || step instanceof Uint8Array)
    const text =
      typeof first === 'string' ? first : Buffer.from((first as Uint8Array | undefined) ?? []).toString('latin1')
    this.#reader.methods.push(text.split(' ', 1)[0] ?? '')
    this.#received = []
    this.#interim = []
    this.#answer = null
    this.#end = signal()
    this.#sentAtMs = performance.now()
    if (this.#over) this.#end.give(this.#over)
  }

  #cut(how: 'FIN' | 'RST'): void {
    this.#over ??= how
    this.#end.give(how)
    for (const look of this.#watchers) look()
  }

  async #seen(ms: number, what: string, condition: () => boolean): Promise<void> {
    const found = signal<boolean>()
    const look = () => {
      if (condition()) found.give(true)
      else if (this.#over) found.give(false)
    }
    this.#watchers.add(look)
    look()
    try {
      if (!(await within(ms, what, found.promise))) throw new Error(`the connection ended before ${what}`)
    } finally {
      this.#watchers.delete(look)
    }
  }

  async #slowDown(bytes: number, bytesPerSecond: number): Promise<void> {
    this.socket.pause()
    await pause((bytes / bytesPerSecond) * 1000)
    this.socket.resume()
  }

  #result(ended: RawAnswer['ended']): RawAnswer {
    const message = this.#answer
    const headers = message?.headers ?? []
    const [, status, ...reason] = message?.startLine.split(' ') ?? []
    const body = message ? bodyOf(message) : Buffer.alloc(0)
    return {
      raw: Buffer.concat(this.#received),
      statusLine: message?.startLine ?? null,
      status: status === undefined ? null : Number(status),
      reason: message ? reason.join(' ') : null,
      rawHead: message?.rawHead ?? Buffer.alloc(0),
      headers,
      header: (name) => (valuesOf(headers, name).length ? valuesOf(headers, name).join(', ') : null),
      headWithout: (...names) => headWithout(message, names),
      framing: message?.framing ?? null,
      body,
      bodyText: body.toString('utf8'),
      get json() {
        return JSON.parse(body.toString('utf8')) as unknown
      },
      framedBody: Buffer.concat(message?.framed ?? []),
      chunkSizes: message?.chunkSizes ?? [],
      pieces: message?.pieces ?? [],
      trailers: message?.trailers ?? [],
      interim: this.#interim,
      ended,
      sentAtMs: this.#sentAtMs,
      headAtMs: message?.headAtMs ?? null,
      endAtMs: message?.endAtMs ?? performance.now(),
    }
  }
}

/** The bytes of a request. `content-length` is added when there is a body and no header frames it. */
export function requestBytes(
  method: string,
  target: string,
  headers: readonly (readonly [name: string, value: string])[] = [],
  body?: Uint8Array | string,
): Buffer {
  const bytes = body === undefined ? null : Buffer.from(body)
  const all = headers.some(([name]) => name.toLowerCase() === 'host')
    ? [...headers]
    : [['host', 'test.local'] as const, ...headers]
  const framed = all.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  if (bytes && !framed) all.push(['content-length', String(bytes.length)])
  const head = `${method} ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes ?? Buffer.alloc(0)])
}

const isInterim = (message: Message): boolean => Number(message.startLine.split(' ')[1]) < 200

function headWithout(message: Message | null, names: string[]): string {
  if (!message) return ''
  const out = new Set(names.map((name) => name.toLowerCase()))
  const lines = message.rawHead.toString('latin1').split('\r\n')
  return lines.filter((line, place) => place === 0 || !out.has(line.split(':', 1)[0]!.toLowerCase())).join('\r\n')
}
