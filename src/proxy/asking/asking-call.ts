import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { isCoding } from '../../lib/inflater.ts'
import type { ExchangeHead } from '../../records/exchange.ts'
import { Call, type CallParts, type Framing } from '../call.ts'
import { headerIn } from '../headers.ts'
import { earlyLimitBytes } from '../request-body.ts'
import type { Closing, Tap } from '../tap.ts'
import { askForUsage, leftAlone } from './add-option.ts'
import { RecodedFilter } from './recoded-filter.ts'
import type { Room } from './room.ts'
import { bindsBody } from './signed.ts'
import { type Filter, UsageFilter } from './usage-filter.ts'

/** A longer request goes on as it comes. */
const askableBytes = 4 * 1024 * 1024

/**
 * A call whose stream is asked for its usage (docs/decisions/asking-for-usage.md): its request goes up once it is complete,
 * with the question added, and what the question adds to the answer stays here. The journal has the client's request and the
 * upstream's answer.
 */
export class AskingCall extends Call {
  readonly #parts: CallParts
  readonly #room: Room
  /** Bytes of the room that this call holds. */
  #taken = 0
  #collecting = false
  #opened = false
  #asked = false
  #filter: Filter | null = null
  #withheldBytes = 0
  readonly #notes: string[] = []

  constructor(parts: CallParts, room: Room) {
    super(parts)
    this.#parts = parts
    this.#room = room
  }

  override tapped(tap: Tap, requestLength: number | null): void {
    super.tapped(tap, requestLength)
    if (this.body.complete) return
    const obstacle = this.#obstacle(requestLength ?? askableBytes)
    if (obstacle !== null) return this.#note(leftAlone(obstacle).note)
    this.#collecting = true
    this.body.collect(askableBytes + 1, () => {
      this.#collecting = false
      if (this.#opened) this.dispatch()
    })
  }

  override dispatch(): void {
    this.#opened = true
    if (!this.#collecting) super.dispatch()
  }

  protected override send(headers: string[], body: Buffer | Readable | null): void {
    if (body === null || this.#notes.length > 0) return super.send(headers, body)
    const { request, upstream } = this.#parts
    const { body: asking, note } = Buffer.isBuffer(body)
      ? askForUsage(body, upstream.provider.usageInStreams === 'options')
      : leftAlone(request.destroyed ? null : tooLong)
    this.#note(note)
    this.#asked = asking !== null
    super.send(asking === null ? headers : withLength(headers, asking.length), asking ?? body)
  }

  protected override answered(head: ExchangeHead, raw: string[], framing: Framing): void {
    this.#leaveRoom()
    if (!this.#asked) return super.answered(head, raw, framing)
    if (framing !== 'none' && isStream(head)) this.#filter = this.#filterFor(head)
    const marked: ExchangeHead = { ...head, usageAsked: true }
    // how much is left of a length that was announced is known only at the end
    if (this.#filter && framing === 'length') super.answered(marked, without(raw, 'content-length'), 'chunked')
    else super.answered(marked, raw, framing)
  }

  override onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#filter === null || this.left) return super.onResponseData(controller, piece)
    const atMs = this.#parts.clock.mono()
    const passing = this.#filter.push(piece)
    if (passing) this.pass(controller, passing)
    this.tap?.response.keep(piece, atMs)
    if (this.#filter.failure !== null) controller.abort(new UnreadableCoding(this.#filter.failure))
  }

  override onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#passRest()
    super.onResponseEnd(controller)
  }

  override onResponseError(controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#passRest()
    super.onResponseError(controller, error)
  }

  override cut(): void {
    this.#passRest()
    super.cut()
  }

  protected override close(tap: Tap, closing: Closing, done: () => void): void {
    this.#leaveRoom()
    const withheld = this.#asked ? { withheldBytes: this.#withheldBytes } : {}
    super.close(tap, { ...closing, ...withheld, notes: this.#notes }, done)
  }

  #obstacle(length: number): string | null {
    const { rawHeaders } = this.#parts.request
    const coding = headerIn(rawHeaders, 'content-encoding')
    if (coding !== null && coding.trim().toLowerCase() !== 'identity') return 'its body is compressed'
    if (bindsBody(rawHeaders)) return 'its head holds a digest or a signature of the body'
    if (length > askableBytes) return tooLong
    const extra = Math.max(0, length - earlyLimitBytes)
    if (!this.#room.take(extra)) return 'too many long requests are on their way'
    this.#taken = extra
    return null
  }

  #leaveRoom(): void {
    this.#room.give(this.#taken)
    this.#taken = 0
  }

  #filterFor({ contentEncoding }: ExchangeHead): Filter | null {
    const coding = (contentEncoding ?? 'identity').trim().toLowerCase()
    if (coding === 'identity' || coding === '') return new UsageFilter()
    if (isCoding(coding)) return new RecodedFilter(coding)
    const shown = this.#parts.mask(coding.slice(0, 40))
    this.#note(`the usage that was asked for was not taken out of the answer: its coding is ${shown}`)
    return null
  }

  /** What was held goes out before the answer's end or its cut. */
  #passRest(): void {
    const filter = this.#filter
    if (filter === null) return
    this.#filter = null
    const rest = filter.end()
    this.#withheldBytes = filter.withheldBytes
    this.#note(filter.note)
    const { response } = this.#parts
    if (rest && !this.left && !this.over && !response.destroyed) response.write(rest)
  }

  #note(note: string | null): void {
    if (note !== null) this.#notes.push(note)
  }
}

class UnreadableCoding extends Error {
  override name = 'UnreadableCoding'
  readonly code = 'ERR_ANSWER_CODING'
}

const tooLong = 'it is longer than 4 MiB'

const isStream = ({ status, contentType }: ExchangeHead): boolean =>
  status < 300 && (contentType === null || /^\s*text\/event-stream/i.test(contentType))

function withLength(headers: readonly string[], length: number): string[] {
  return headers.map((text, place) =>
    place % 2 === 1 && headers[place - 1]!.toLowerCase() === 'content-length' ? String(length) : text,
  )
}

function without(flat: readonly string[], name: string): string[] {
  return flat.filter((_text, place) => flat[place - (place % 2)]!.toLowerCase() !== name)
}
