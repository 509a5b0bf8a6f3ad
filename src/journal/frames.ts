import { crc32 } from 'node:zlib'

/**
 * The frames of the journal. Little-endian, 16 bytes before the payload:
 *
 *     0  F5 C7     mark; F5 stands in no UTF-8 text
 *     2  u8        type
 *     3  u8        side: 0 request, 1 response (DATA only)
 *     4  u32       CRC-32 of everything from byte 8 on, begun with the epoch's salt mixed with type and side
 *     8  u32       length of the payload
 *    12  u32       number of the exchange within its epoch
 *
 * DATA's payload begins with two float64: the offset in the body, and the arrival time. The others carry JSON. END says that
 * its epoch was ended in order and nothing follows. The salt keeps bytes that a client sent from being taken for frames when
 * the search for the next good frame runs through them.
 */
const frameTypes = { open: 1, head: 2, data: 3, close: 4, end: 5 } as const
export type FrameType = keyof typeof frameTypes

export interface Frame {
  type: FrameType
  exchange: number
  side: 'request' | 'response'
  /** DATA only, else 0. */
  offset: number
  atMs: number
  /** JSON text, or the body's bytes. A view into the buffer that was read. */
  payload: Buffer
}

export const headerBytes = 16
export const dataHeaderBytes = 32
/** Longer bodies are split; a length above this is damage. */
export const maxPayloadBytes = 4 * 1024 * 1024

const mark0 = 0xf5
const mark1 = 0xc7
const mark = Buffer.from([mark0, mark1])
const names: readonly (FrameType | undefined)[] = [undefined, 'open', 'head', 'data', 'close', 'end']

/** What stands at a place: a whole frame, the beginning of one (with the bytes it needs from there), or neither. */
export type Decoded =
  | { kind: 'frame'; frame: Frame; bytes: number }
  | { kind: 'more'; bytes: number }
  | { kind: 'corrupt' }

const corrupt: Decoded = { kind: 'corrupt' }

export function decodeFrame(buffer: Buffer, at: number, end: number, salt: number): Decoded {
  const have = end - at
  if (have < headerBytes)
    return have === 0 || markedUpTo(buffer, at, have) ? { kind: 'more', bytes: headerBytes } : corrupt
  if (!plausible(buffer, at)) return corrupt
  const length = buffer.readUInt32LE(at + 8)
  const bytes = headerBytes + length
  if (have < bytes) return { kind: 'more', bytes }
  const code = buffer[at + 2]!
  const side = buffer[at + 3]!
  if (crc32(buffer.subarray(at + 8, at + bytes), seed(salt, code, side)) !== buffer.readUInt32LE(at + 4)) return corrupt
  const type = names[code]!
  const isData = type === 'data'
  return {
    kind: 'frame',
    bytes,
    frame: {
      type,
      exchange: buffer.readUInt32LE(at + 12),
      side: side === 0 ? 'request' : 'response',
      offset: isData ? buffer.readDoubleLE(at + 16) : 0,
      atMs: isData ? buffer.readDoubleLE(at + 24) : 0,
      payload: buffer.subarray(at + (isData ? dataHeaderBytes : headerBytes), at + bytes),
    },
  }
}

/**
 * The first place from `from` on where a frame stands, or may stand if more bytes come (`more`); `end` when neither: a mark
 * cut in two is looked at again by searching from one byte before.
 */
export function findFrame(buffer: Buffer, from: number, end: number, salt: number): { at: number; decoded: Decoded } {
  let at = from
  while (at < end) {
    at = buffer.indexOf(mark, at)
    if (at === -1 || at + 1 >= end) break
    const decoded = decodeFrame(buffer, at, end, salt)
    if (decoded.kind !== 'corrupt') return { at, decoded }
    at++
  }
  return { at: end, decoded: corrupt }
}

/** Writes the header of a frame whose payload (JSON, or DATA's two numbers and bytes) already stands behind it in `slab`. */
export function sealFrame(slab: Buffer, at: number, type: FrameType, exchange: number, payload: number, salt: number) {
  const code = frameTypes[type]
  writeHeader(slab, at, code, 0, exchange, payload)
  slab.writeUInt32LE(crc32(slab.subarray(at + 8, at + headerBytes + payload), seed(salt, code, 0)), at + 4)
}

/** Writes the 32 bytes that stand before the bytes of a DATA frame; `inSlab`: those already stand behind them. */
export function sealData(
  slab: Buffer,
  at: number,
  exchange: number,
  side: 'request' | 'response',
  offset: number,
  atMs: number,
  bytes: Uint8Array,
  salt: number,
  inSlab: boolean,
) {
  const code = frameTypes.data
  const sideCode = side === 'request' ? 0 : 1
  writeHeader(slab, at, code, sideCode, exchange, bytes.length + dataHeaderBytes - headerBytes)
  slab.writeDoubleLE(offset, at + 16)
  slab.writeDoubleLE(atMs, at + 24)
  const begun = seed(salt, code, sideCode)
  const end = at + dataHeaderBytes
  const crc = inSlab
    ? crc32(slab.subarray(at + 8, end + bytes.length), begun)
    : crc32(bytes, crc32(slab.subarray(at + 8, end), begun))
  slab.writeUInt32LE(crc, at + 4)
}

function writeHeader(slab: Buffer, at: number, code: number, side: number, exchange: number, length: number) {
  slab[at] = mark0
  slab[at + 1] = mark1
  slab[at + 2] = code
  slab[at + 3] = side
  slab.writeUInt32LE(length, at + 8)
  slab.writeUInt32LE(exchange, at + 12)
}

const seed = (salt: number, code: number, side: number) => (salt ^ (code << 8) ^ side) >>> 0

function plausible(buffer: Buffer, at: number): boolean {
  if (buffer[at] !== mark0 || buffer[at + 1] !== mark1) return false
  const code = buffer[at + 2]!
  const side = buffer[at + 3]!
  const length = buffer.readUInt32LE(at + 8)
  if (length > maxPayloadBytes) return false
  return code === frameTypes.data ? side <= 1 && length >= 16 : names[code] !== undefined && side === 0
}

function markedUpTo(buffer: Buffer, at: number, have: number): boolean {
  return buffer[at] === mark0 && (have < 2 || buffer[at + 1] === mark1)
}
