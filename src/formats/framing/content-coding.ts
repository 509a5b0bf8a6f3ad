import { isCoding } from '../../lib/inflater.ts'
import type { Body, Piece } from '../../records/exchange.ts'
import { Unpacker } from './unpacker.ts'

/** A body without its content coding; every piece keeps the arrival time of the bytes that completed it. */
export interface Content {
  pieces: readonly Piece[]
  /** Read to the end of what arrived, without a gap, an error or a limit. */
  whole: boolean
  /** The bytes were compressed (or claimed to be). */
  coded: boolean
  /** Some of the bytes were never looked into: an unknown coding, or more than the limit. */
  unexamined: boolean
  notes: readonly string[]
}

export const contentLimitBytes = 32 << 20

/**
 * Takes the codings off a body, piece by piece and on this thread only: the proxy's own file writes share the thread pool
 * that asynchronous zlib would use. Decoded bytes are bounded; what was decoded before an error is kept.
 */
export function decodeContent(body: Body, contentEncoding: string | null, limitBytes = contentLimitBytes): Content {
  const codings = codingsOf(contentEncoding)
  const plain = { pieces: body.pieces, whole: body.whole, coded: codings.length > 0, unexamined: false, notes: [] }
  if (codings.length === 0 || body.pieces.length === 0) return plain
  const unknown = codings.find((coding) => !isCoding(coding))
  if (unknown !== undefined || codings.length > 2) {
    const note = unknown === undefined ? `${codings.length} content codings` : `unknown content coding "${unknown}"`
    return { pieces: [], whole: false, coded: true, unexamined: true, notes: [`${note}: the body was not read`] }
  }
  const content = unpack(body, codings.toReversed(), limitBytes)
  if (content.pieces.length > 0 || !content.failed || !looksPlain(body)) return content
  return { ...plain, notes: [`the body is not ${codings.join(', ')} as its header says: read as it is`] }
}

function unpack(body: Body, codings: readonly string[], limitBytes: number): Content & { failed: boolean } {
  const stages = codings.map((coding) => new Unpacker(coding, limitBytes))
  const pieces: Piece[] = []
  const notes: string[] = []
  let size = 0
  let full = false
  const keep = (chunks: readonly Uint8Array[], atMs: number): void => {
    for (const chunk of chunks) {
      const bytes = chunk.subarray(0, limitBytes - size)
      if (bytes.length > 0) pieces.push({ offset: size, atMs, bytes })
      size += bytes.length
      full ||= bytes.length < chunk.length
    }
  }
  const run = (chunks: readonly Uint8Array[], ending: boolean): readonly Uint8Array[] =>
    stages.reduce<readonly Uint8Array[]>((given, stage) => {
      const out = given.flatMap((chunk) => stage.push(chunk))
      return ending ? [...out, ...stage.end()] : out
    }, chunks)

  let offset = 0
  let lastAtMs = 0
  let gap = false
  for (const piece of body.pieces) {
    gap = piece.offset !== offset
    if (gap || full || stages.some((stage) => stage.failure !== null)) break
    keep(run([piece.bytes], false), piece.atMs)
    offset = piece.offset + piece.bytes.length
    lastAtMs = piece.atMs
  }
  if (gap) notes.push('the middle of a compressed body is missing: only its start was read')
  else if (!full) keep(run([], true), lastAtMs)
  for (const stage of stages) {
    if (stage.overflowed) full = true
    else if (stage.failure !== null && !gap) notes.push(`${stage.coding}: ${stage.failure}`)
    stage.close()
  }
  if (full) notes.push(`more than ${limitBytes} decoded bytes: the rest was not read`)
  const failed = stages.some((stage) => stage.failure !== null)
  return { pieces, whole: body.whole && !gap && !full && !failed, coded: true, unexamined: gap || full, notes, failed }
}

const codingsOf = (contentEncoding: string | null): string[] =>
  (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')

/** The first byte is the start of JSON or of an event, which no coding here produces. */
const looksPlain = (body: Body): boolean => '{[de:i\n\r '.includes(String.fromCharCode(body.pieces[0]?.bytes[0] ?? 0))
