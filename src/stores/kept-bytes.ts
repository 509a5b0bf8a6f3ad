import { zstdDecompressSync } from 'node:zlib'
import type { BodyFacts } from '../records/llm-run.ts'

/** The kept bytes of a body as they were on the wire. */
export function plainBytes(bytes: Uint8Array, { coding, kept }: BodyFacts): Uint8Array {
  if (coding === 'identity') return bytes
  const { buffer, byteOffset, byteLength } = zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, kept) })
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Pairs of (milliseconds since accepted, offset of the piece's end), from little-endian float64s. */
export function timesOfPieces(bytes: Uint8Array): [number, number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: [number, number][] = []
  for (let at = 0; at + 16 <= bytes.length; at += 16)
    found.push([view.getFloat64(at, true), view.getFloat64(at + 8, true)])
  return found
}
