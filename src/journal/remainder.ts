import { decodeFrame } from './frames.ts'

/**
 * What must still be written of some frames when their first `kept` bytes stand in a file and could not be cut off: from the
 * first frame on that is not wholly in it. The copy lets go of the buffers that the frames were taken from.
 */
export function remainder(parts: readonly Uint8Array[], kept: number, salt: number): Buffer {
  const all = Buffer.concat(parts)
  let at = 0
  while (at < kept) {
    const decoded = decodeFrame(all, at, all.length, salt)
    if (decoded.kind !== 'frame' || at + decoded.bytes > kept) break
    at += decoded.bytes
  }
  return all.subarray(at)
}
