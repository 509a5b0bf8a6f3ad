import type { Piece } from '../../records/exchange.ts'

/** Bytes without a gap between them, which still know when each of them arrived. */
export interface ByteRun {
  /** Place of its first byte in the body. */
  readonly offset: number
  readonly bytes: Buffer
  /** Arrival of the byte at this place. Asked for places in rising order. */
  atMs(place: number): number
}

/** Joins pieces up to each gap. */
export function byteRuns(pieces: readonly Piece[]): ByteRun[] {
  const runs: Piece[][] = []
  let expected = Number.NaN
  for (const piece of pieces) {
    if (piece.offset === expected) runs.at(-1)!.push(piece)
    else runs.push([piece])
    expected = piece.offset + piece.bytes.length
  }
  return runs.map(runOf)
}

function runOf(pieces: readonly Piece[]): ByteRun {
  let nth = 0
  let end = pieces[0]!.bytes.length
  return {
    offset: pieces[0]!.offset,
    bytes: Buffer.concat(pieces.map((piece) => piece.bytes)),
    atMs(place) {
      while (place >= end && nth + 1 < pieces.length) end += pieces[++nth]!.bytes.length
      return pieces[nth]!.atMs
    },
  }
}
