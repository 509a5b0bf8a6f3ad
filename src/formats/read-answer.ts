import type { Exchange, ExchangeHead, Piece } from '../records/exchange.ts'
import type { EventCounts } from '../records/llm-run.ts'
import type { AnswerError, Decoded, Decoder } from './decoder.ts'
import { errorIn, errorOfBody, errorOfText } from './error-forms.ts'
import { bareJsonAtEnd } from './framing/bare-json.ts'
import { chooseFraming, type Framing } from './framing/choose.ts'
import { type Content, contentLimitBytes, decodeContent } from './framing/content-coding.ts'
import { firstBytes, readJson, textOf } from './framing/json.ts'
import { readJsonArray } from './framing/json-array.ts'
import { readNdjson } from './framing/ndjson.ts'
import { emptyReading, type Reading, type Receiver } from './framing/reading.ts'
import { readSse } from './framing/sse.ts'

export interface ReadAnswer {
  framing: Framing
  events: Omit<EventCounts, 'content_events'>
  readWhole: boolean
  content: Content
  /** The message reached its own end on the wire. */
  clean: boolean
  notes: readonly string[]
  /** Null without a decoder, and when its own end failed. */
  decoded: Decoded | null
  /** Status 400 and above: what the body says about it, in any of the known forms. */
  statusError: AnswerError | null
}

const largeAnswerBytes = 1 << 20

/** Feeds an answer to a decoder (none: only counts it), in the way its framing asks for. */
export function readAnswer(
  exchange: Exchange,
  head: ExchangeHead,
  decoder: Decoder | null,
  asked: { wantsStream: boolean; largeAnswers: boolean },
): ReadAnswer {
  const { response, close } = exchange
  const content = decodeContent(response, head.contentEncoding)
  const { pieces } = content
  let framing = chooseFraming({ contentType: head.contentType, wantsStream: asked.wantsStream }, pieces)
  const clean = close?.upstreamComplete === true
  const feed = new Feed(decoder)
  const notes = [...content.notes]
  const toTheEnd = clean && content.whole
  let reading = emptyReading()
  let unread = false
  if (framing === 'sse') {
    reading = readSse(pieces, toTheEnd, feed)
    const bare = bareJsonAtEnd(pieces)
    if (bare && errorIn(bare.value)) feed.value(bare.value, pieces.at(-1)!.atMs, null)
  }
  if (framing === 'ndjson') reading = readNdjson(pieces, toTheEnd, feed)
  if (framing === 'json-array') {
    const { closed, ...read } = readJsonArray(pieces, toTheEnd, feed)
    reading = read
    unread = !closed
  }
  if (framing === 'json') {
    const { value, partial } = readJson(pieces, asked.largeAnswers ? largeAnswerBytes : contentLimitBytes)
    if (partial) notes.push('the answer was read at its start and end only')
    if (value) feed.whole(value.value, pieces.at(-1)!.atMs)
    unread = value === null
    // a transcript may begin with a bracket
    if (unread && decoder?.text && /^\s*text\//i.test(head.contentType ?? '')) framing = 'text'
    unread &&= framing === 'json'
  }
  if (head.status < 400 && framing === 'text') feed.text(textOf(pieces))
  if (head.status < 400 && framing === 'binary') feed.bytes(pieces)
  if (unread) notes.push(clean && framing === 'json' ? 'the answer is no JSON' : 'the answer ended before its JSON did')
  const decoded = feed.finish()
  notes.push(...readingNotes(reading), ...feed.notes)
  const statusError = head.status < 400 ? null : (errorOfBody(feed.first) ?? textError(framing, pieces))
  return {
    framing,
    events: {
      events: reading.events,
      bad_events: reading.badEvents + (unread && clean && framing === 'json' ? 1 : 0),
      comments: reading.comments,
    },
    readWhole: clean && content.whole && reading.gaps === 0 && reading.tooLarge === 0 && !unread,
    content,
    clean,
    notes,
    decoded,
    statusError,
  }
}

/** Passes values on, keeps the first one, and holds off a decoder's own failure from the values after it. */
class Feed implements Receiver {
  first: unknown = null
  readonly notes: string[] = []
  readonly #decoder: Decoder | null

  constructor(decoder: Decoder | null) {
    this.#decoder = decoder
  }

  value(value: unknown, atMs: number, name: string | null): void {
    this.first ??= value
    this.#guarded(() => this.#decoder?.push(value, atMs, name))
  }

  whole(value: unknown, atMs: number): void {
    this.first ??= value
    this.#guarded(() => this.#decoder?.whole(value, atMs))
  }

  done(atMs: number): void {
    this.#guarded(() => this.#decoder?.done(atMs))
  }

  text(value: string): void {
    this.#guarded(() => this.#decoder?.text?.(value))
  }

  bytes(pieces: readonly Piece[]): void {
    const first = pieces[0]
    const last = pieces.at(-1)
    if (first && last)
      this.#guarded(() => this.#decoder?.bytes?.(last.offset + last.bytes.length, first.atMs, last.atMs))
  }

  finish(): Decoded | null {
    return this.#guarded(() => this.#decoder?.finish()) ?? null
  }

  #guarded<T>(step: () => T): T | undefined {
    try {
      return step()
    } catch (error) {
      if (this.notes.length < 3) this.notes.push(`a value could not be decoded: ${String(error).slice(0, 200)}`)
      return undefined
    }
  }
}

function readingNotes(reading: Reading): string[] {
  const notes: string[] = []
  if (reading.badEvents > 0) notes.push(`${reading.badEvents} events were no JSON`)
  if (reading.tooLarge > 0) notes.push(`${reading.tooLarge} events were too large and skipped`)
  if (reading.gaps > 0) notes.push('the middle of the answer is missing')
  return notes
}

function textError(framing: Framing, pieces: Content['pieces']): AnswerError | null {
  return framing === 'none' || framing === 'binary' ? null : errorOfText(textOf(firstBytes(pieces, 4096)))
}
