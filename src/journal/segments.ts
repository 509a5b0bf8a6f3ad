import { closeSync, openSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { isId } from '../lib/id.ts'
import { readFully } from './read-fully.ts'

/**
 * Where the journal's files lie (`<dir>/<epoch>/00000001.journal`) and what stands at their beginning: two equal copies of
 * 64 bytes, so that one flipped bit takes no segment with it.
 *
 *     0  "SGJOURNL"    8 u16 version    10 u16 bytes before the first frame    12 u32 segment    16 u32 salt
 *     20 epoch (36 characters)          60 u32 CRC-32 of bytes 0 to 59
 */
export const journalVersion = 1
export const segmentHeaderBytes = 128

const copyBytes = 64
const magic = 'SGJOURNL'
/** Versions this build reads. A new one adds its row here and its way to read in `frames.ts`. */
const readable: ReadonlySet<number> = new Set([1])

export interface SegmentHeader {
  version: number
  segment: number
  salt: number
  epoch: string
}

/** A journal written by a newer build: reading on would guess. */
class NewerJournal extends Error {
  override name = 'NewerJournal'
  readonly code = 'journal_too_new'
  constructor(file: string, version: number) {
    super(`${file}: journal version ${version}, this build reads up to ${journalVersion}: start the newer build again`)
  }
}

export function segmentHeader({ version, segment, salt, epoch }: SegmentHeader): Buffer {
  const copy = Buffer.alloc(copyBytes)
  copy.write(magic, 0, 'latin1')
  copy.writeUInt16LE(version, 8)
  copy.writeUInt16LE(segmentHeaderBytes, 10)
  copy.writeUInt32LE(segment, 12)
  copy.writeUInt32LE(salt, 16)
  copy.write(epoch, 20, 'latin1')
  copy.writeUInt32LE(crc32(copy.subarray(0, 60)), 60)
  return Buffer.concat([copy, copy])
}

/** Null when both copies are damaged. Throws `NewerJournal` for a version that this build cannot read. */
export function readSegmentHeader(bytes: Buffer, file: string): SegmentHeader | null {
  for (const at of [0, copyBytes]) {
    const copy = bytes.subarray(at, at + copyBytes)
    if (copy.length < copyBytes || copy.toString('latin1', 0, 8) !== magic) continue
    if (copy.readUInt32LE(60) !== crc32(copy.subarray(0, 60))) continue
    const version = copy.readUInt16LE(8)
    if (!readable.has(version)) throw new NewerJournal(file, version)
    return {
      version,
      segment: copy.readUInt32LE(12),
      salt: copy.readUInt32LE(16),
      epoch: copy.toString('latin1', 20, 56),
    }
  }
  return null
}

/** Throws `NewerJournal` when a segment of this epoch was written by a build that knows more than this one. */
export function refuseNewer(dir: string, epoch: string) {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  for (const segment of listSegments(dir, epoch)) {
    const path = segmentPath(dir, epoch, segment)
    const fd = openSync(path, 'r')
    try {
      if (readFully(fd, bytes, bytes.length, 0) === bytes.length) readSegmentHeader(bytes, path)
    } finally {
      closeSync(fd)
    }
  }
}

export const segmentPath = (dir: string, epoch: string, segment: number): string =>
  join(dir, epoch, `${String(segment).padStart(8, '0')}.journal`)

/** 0 when it is not there. */
export const segmentSize = (dir: string, epoch: string, segment: number): number =>
  statSync(segmentPath(dir, epoch, segment), { throwIfNoEntry: false })?.size ?? 0

/** Epochs in the order they were begun. */
export const listEpochs = (dir: string): string[] => names(dir).filter(isId).sort()

/** Numbers of the segments that are there, ascending. */
export const listSegments = (dir: string, epoch: string): number[] =>
  names(join(dir, epoch))
    .map((name) => /^(\d{8,10})\.journal$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)

function names(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
