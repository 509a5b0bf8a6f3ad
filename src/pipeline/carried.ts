import { decodeFrame, type Frame } from '../journal/frames.ts'

/**
 * How frames are carried in the database: the salt of their CRCs, the mark of the last of them, then the frames as they
 * stood in the journal.
 */
const prefixBytes = 12
const blobBytes = 1024 * 1024

/** Packs frames of one exchange, given with their marks, into few blobs. */
export function packFrames(frames: Iterable<{ mark: number; bytes: Uint8Array }>, salt: number): Buffer[] {
  const blobs: Buffer[] = []
  let parts: Uint8Array[] = []
  let size = 0
  let last = 0
  const flush = () => {
    if (parts.length === 0) return
    const prefix = Buffer.alloc(prefixBytes)
    prefix.writeUInt32LE(salt)
    prefix.writeDoubleLE(last, 4)
    blobs.push(Buffer.concat([prefix, ...parts]))
    parts = []
    size = 0
  }
  for (const { mark, bytes } of frames) {
    parts.push(bytes)
    size += bytes.length
    last = mark
    if (size >= blobBytes) flush()
  }
  flush()
  return blobs
}

/** The mark of the last frame in a blob. */
export const lastMark = (blob: Uint8Array): number => view(blob).readDoubleLE(4)

export function* unpackFrames(blob: Uint8Array): Generator<Frame> {
  const bytes = view(blob)
  const salt = bytes.readUInt32LE()
  for (let at = prefixBytes; at < bytes.length; ) {
    const decoded = decodeFrame(bytes, at, bytes.length, salt)
    if (decoded.kind !== 'frame') return
    yield decoded.frame
    at += decoded.bytes
  }
}

const view = (blob: Uint8Array): Buffer => Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength)
