import { createHash, hash as hashAtOnce } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import type { Body, Piece } from '../records/exchange.ts'
import type { BodyFacts } from '../records/llm-run.ts'

export interface KeptBody {
  /** In the coding that `facts.coding` names; null when nothing of it is kept. */
  bytes: Uint8Array | null
  facts: BodyFacts
}

/** Smaller bodies gain too little from compression. */
const compressFrom = 4096

/** The first bytes of a body as a record keeps them. With `keep` false only its size and hash. */
export function keepBody(
  body: Body,
  about: {
    keep: boolean
    limitBytes: number
    sha256: string | null
    contentType: string | null
    contentEncoding: string | null
  },
): KeptBody {
  const plain = about.keep ? head(body.pieces, about.limitBytes) : null
  const packed = plain && plain.length >= compressFrom ? zstdCompressSync(plain) : null
  const smaller = plain !== null && packed !== null && packed.length < plain.length ? packed : null
  const kept = plain?.length ?? 0
  return {
    // an empty body is kept as the empty one it was
    bytes: kept === 0 && body.size > 0 ? null : (smaller ?? plain),
    facts: {
      size: body.size,
      sha256: about.sha256 ?? hashOf(body),
      kept,
      truncated: kept < body.size,
      coding: smaller ? 'zstd' : 'identity',
      content_type: about.contentType,
      content_encoding: about.contentEncoding,
    },
  }
}

/** What stands before the first gap, up to the limit. */
function head(pieces: readonly Piece[], limitBytes: number): Buffer {
  const parts: Uint8Array[] = []
  let end = 0
  for (const { offset, bytes } of pieces) {
    if (offset !== end || end >= limitBytes) break
    const part = bytes.subarray(0, limitBytes - end)
    parts.push(part)
    end += part.length
  }
  return Buffer.concat(parts)
}

function hashOf({ pieces, size, whole }: Body): string | null {
  if (!whole) return null
  if (pieces.length === 1)
    return pieces[0]!.bytes.length === size ? hashAtOnce('sha256', pieces[0]!.bytes, 'hex') : null
  const hash = createHash('sha256')
  let seen = 0
  for (const { bytes } of pieces) {
    hash.update(bytes)
    seen += bytes.length
  }
  return seen === size ? hash.digest('hex') : null
}

/** Pairs of (milliseconds since `startMs`, offset of the piece's end) as little-endian float64s. */
export function chunkTimes(pieces: readonly Piece[], startMs: number): Uint8Array | null {
  if (pieces.length === 0) return null
  const bytes = new Uint8Array(pieces.length * 16)
  const view = new DataView(bytes.buffer)
  for (const [place, piece] of pieces.entries()) {
    view.setFloat64(place * 16, piece.atMs - startMs, true)
    view.setFloat64(place * 16 + 8, piece.offset + piece.bytes.length, true)
  }
  return bytes
}
