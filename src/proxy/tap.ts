import { createHash, type Hash } from 'node:crypto'
import type { Journal } from '../journal/journal.ts'
import type { Capture, ExchangeClose, ExchangeHead, ExchangeOpen } from '../records/exchange.ts'
import { beginningAtEnd, type KnownSecret } from './secrets.ts'

const tailBytes = 64 * 1024

export interface TapLimits {
  /** Bytes of one body that pass through the journal; beyond them only the last 64 KiB are kept. */
  journalBodyLimitBytes: number
}

/**
 * Writes one exchange into the journal while its bytes pass by: kept by reference, masked where the call's own secret
 * stands in them, counted and hashed where the journal will not hold them all. It parses nothing.
 */
export class Tap {
  readonly request: Side
  readonly response: Side
  readonly #journal: Journal
  readonly #exchange: number

  constructor(
    journal: Journal,
    limits: TapLimits,
    masks: readonly KnownSecret[],
    open: ExchangeOpen,
    opened: (safe: boolean) => void,
  ) {
    this.#journal = journal
    this.#exchange = journal.open(open, opened)
    const side = (name: 'request' | 'response', capture: Capture): Side =>
      new Side(limits.journalBodyLimitBytes, masks, capture, (offset, atMs, bytes) =>
        journal.data(this.#exchange, name, offset, atMs, bytes),
      )
    this.request = side('request', open.captureRequest)
    this.response = side('response', open.captureResponse)
  }

  head(head: ExchangeHead): void {
    this.#journal.head(this.#exchange, head)
  }

  close(close: Closing, written: (safe: boolean) => void): void {
    const { request, response } = this
    request.end()
    response.end()
    const facts: Pick<ExchangeClose, SideFacts> = {
      requestBytes: request.size,
      responseBytes: response.size,
      firstByteAtMs: response.firstAtMs,
      lastByteAtMs: response.lastAtMs,
      requestSha256: request.sha256(),
      responseSha256: response.sha256(),
      masked: request.masked || response.masked,
    }
    this.#journal.close(this.#exchange, { ...close, ...facts }, written)
  }
}

/** Of a CLOSE frame what the tap does not know itself. */
export type Closing = Omit<ExchangeClose, SideFacts>

type SideFacts =
  | 'requestBytes'
  | 'responseBytes'
  | 'firstByteAtMs'
  | 'lastByteAtMs'
  | 'requestSha256'
  | 'responseSha256'
  | 'masked'

type Write = (offset: number, atMs: number, bytes: Uint8Array) => void

/** One direction of an exchange. */
class Side {
  size = 0
  firstAtMs: number | null = null
  lastAtMs: number | null = null
  masked = false
  readonly #limit: number
  readonly #masks: readonly KnownSecret[]
  readonly #write: Write
  readonly #off: boolean
  #hash: Hash | null = null
  #digest: string | null = null
  /** The end of what was seen that may be the beginning of a secret; written with the next piece. */
  #held: Buffer | null = null
  #written = 0
  #tail: { offset: number; atMs: number; bytes: Buffer }[] = []
  #tailSize = 0

  constructor(limit: number, masks: readonly KnownSecret[], capture: Capture, write: Write) {
    this.#limit = limit
    this.#masks = masks
    this.#off = capture === 'off'
    this.#write = write
  }

  /** Tells how long the body will be (null: nobody knows), before its first byte: what the journal cannot hold is hashed here. */
  expect(length: number | null): void {
    if (length === null || length > this.#limit || (this.#off && length > 0)) this.#hash = createHash('sha256')
  }

  keep(bytes: Buffer, atMs: number): void {
    this.firstAtMs ??= atMs
    this.lastAtMs = atMs
    this.size += bytes.length
    this.#hash?.update(bytes)
    if (this.#off) return
    if (this.#masks.length === 0) this.#pass(bytes, atMs)
    else this.#passMasked(bytes, atMs)
  }

  end(): void {
    if (this.#held) {
      const held = this.#held
      this.#held = null
      this.#pass(held, this.lastAtMs ?? 0)
    }
    for (const piece of this.#tail) this.#write(piece.offset, piece.atMs, piece.bytes)
    this.#tail = []
  }

  /** Null when nothing passed, or when the recorder can hash what the journal holds. */
  sha256(): string | null {
    if (this.#hash && this.size > 0 && (this.#off || this.masked || this.size > this.#limit))
      this.#digest ??= this.#hash.digest('hex')
    return this.#digest
  }

  #pass(bytes: Buffer, atMs: number): void {
    const offset = this.#written
    this.#written += bytes.length
    const room = this.#limit - offset
    if (room >= bytes.length) return this.#write(offset, atMs, bytes)
    if (room > 0) this.#write(offset, atMs, bytes.subarray(0, room))
    const from = Math.max(0, room)
    this.#tail.push({ offset: offset + from, atMs, bytes: bytes.subarray(from) })
    this.#tailSize += bytes.length - from
    for (let first = this.#tail[0]; first && this.#tailSize - first.bytes.length >= tailBytes; first = this.#tail[0]) {
      this.#tailSize -= first.bytes.length
      this.#tail.shift()
    }
  }

  #passMasked(piece: Buffer, atMs: number): void {
    let bytes = this.#held ? Buffer.concat([this.#held, piece]) : piece
    this.#held = null
    for (const { bytes: secret } of this.#masks) {
      for (let hit = bytes.indexOf(secret); hit >= 0; hit = bytes.indexOf(secret, hit + secret.length)) {
        if (bytes === piece) bytes = Buffer.from(piece)
        bytes.fill(0x2a, hit, hit + secret.length)
        this.masked = true
      }
    }
    const uncertain = this.#beginning(bytes)
    if (uncertain > 0) {
      this.#held = Buffer.from(bytes.subarray(bytes.length - uncertain))
      bytes = bytes.subarray(0, bytes.length - uncertain)
    }
    if (bytes.length > 0) this.#pass(bytes, atMs)
  }

  /** How many of the last bytes may be the beginning of a secret. */
  #beginning(bytes: Buffer): number {
    let longest = 0
    for (const secret of this.#masks) longest = Math.max(longest, beginningAtEnd(bytes, secret))
    return longest
  }
}
