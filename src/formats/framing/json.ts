import type { Piece } from '../../records/exchange.ts'
import { type JsonObject, parseJson } from '../../records/json.ts'
import { edgesOf } from './json-edges.ts'

export interface WholeJson {
  /** Null: the body is no JSON. */
  value: { value: unknown } | null
  /** Only members at the start and the end were read. */
  partial: boolean
}

const edgeBytes = 64 << 10

/**
 * Reads a body that is one JSON value. A body with a gap, or one above `limitBytes`, is read at its edges only: its first and
 * last members are usually the ones with the model and the counts.
 */
export function readJson(pieces: readonly Piece[], limitBytes: number): WholeJson {
  const size = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
  if (size <= limitBytes && !hasGap(pieces)) return { value: parseJson(textOf(pieces).trim()), partial: false }
  const members: JsonObject = edgesOf(textOf(firstBytes(pieces, edgeBytes)), textOf(lastBytes(pieces, edgeBytes)))
  return { value: Object.keys(members).length === 0 ? null : { value: members }, partial: true }
}

/** The bytes as text, without a byte order mark; invalid UTF-8 is replaced. */
export function textOf(pieces: readonly Piece[]): string {
  const parts = pieces.map((piece) => piece.bytes)
  return utf8.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts))
}

const utf8 = new TextDecoder()

/** The pieces up to the first gap, at most `bytes` of them. */
export function firstBytes(pieces: readonly Piece[], bytes: number): Piece[] {
  const taken: Piece[] = []
  let room = bytes
  let expected = pieces[0]?.offset ?? 0
  for (const piece of pieces) {
    if (room <= 0 || piece.offset !== expected) break
    taken.push({ ...piece, bytes: piece.bytes.subarray(0, room) })
    room -= piece.bytes.length
    expected += piece.bytes.length
  }
  return taken
}

export function lastBytes(pieces: readonly Piece[], bytes: number): Piece[] {
  const taken: Piece[] = []
  let room = bytes
  let expected: number | null = null
  for (const piece of pieces.toReversed()) {
    if (room <= 0 || (expected !== null && piece.offset + piece.bytes.length !== expected)) break
    taken.unshift({ ...piece, bytes: piece.bytes.subarray(Math.max(0, piece.bytes.length - room)) })
    room -= piece.bytes.length
    expected = piece.offset
  }
  return taken
}

function hasGap(pieces: readonly Piece[]): boolean {
  let expected = 0
  return pieces.some((piece) => {
    const gap = piece.offset !== expected
    expected = piece.offset + piece.bytes.length
    return gap
  })
}
