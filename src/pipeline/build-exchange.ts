import type { Frame } from '../journal/frames.ts'
import type { Body, Exchange, ExchangeClose, ExchangeHead, ExchangeOpen, Piece } from '../records/exchange.ts'

/** Puts an exchange together from its frames, in the order they were written. Null when its OPEN cannot be read. */
export function buildExchange(frames: Iterable<Frame>): Exchange | null {
  let open: ExchangeOpen | null = null
  let head: ExchangeHead | null = null
  let close: ExchangeClose | null = null
  const pieces: { request: Piece[]; response: Piece[] } = { request: [], response: [] }
  for (const { type, side, offset, atMs, payload } of frames) {
    if (type === 'data') pieces[side].push({ offset, atMs, bytes: payload })
    else if (type === 'open') open ??= parse<ExchangeOpen>(payload)
    else if (type === 'head') head ??= parse<ExchangeHead>(payload)
    else if (type === 'close') close ??= parse<ExchangeClose>(payload)
  }
  if (!open) return null
  return {
    open,
    head,
    close,
    request: bodyOf(pieces.request, close?.requestBytes ?? null),
    response: bodyOf(pieces.response, close?.responseBytes ?? null),
  }
}

/** Pieces in order without overlaps. `size`: bytes that passed, or null when nobody counted them to the end. */
export function bodyOf(found: readonly Piece[], size: number | null): Body {
  const inOrder = found.every((piece, place) => place === 0 || found[place - 1]!.offset <= piece.offset)
  const sorted = inOrder ? found : [...found].sort((one, other) => one.offset - other.offset)
  const pieces: Piece[] = []
  let end = 0
  let gaps = false
  for (const piece of sorted) {
    const known = end - piece.offset
    if (known >= piece.bytes.length) continue
    if (known < 0) gaps = true
    pieces.push(known > 0 ? { offset: end, atMs: piece.atMs, bytes: piece.bytes.subarray(known) } : piece)
    end = piece.offset + piece.bytes.length
  }
  return { pieces, size: Math.max(size ?? 0, end), whole: !gaps && (size === null || end >= size) }
}

/** The CRC has vouched for these bytes: they are what `JSON.stringify` wrote. */
const parse = <T>(payload: Buffer): T => JSON.parse(payload.toString('utf8')) as T
