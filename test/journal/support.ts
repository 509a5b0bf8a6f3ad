import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { decodeFrame, type Frame } from '../../src/journal/frames.ts'
import { listSegments, readSegmentHeader, segmentHeaderBytes, segmentPath } from '../../src/journal/segments.ts'

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-journal-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Every frame of an epoch by a plain reading of the files, up to the first place that is no frame. */
export function framesIn(dir: string, epoch: string): Frame[] {
  const frames: Frame[] = []
  for (const segment of listSegments(dir, epoch)) {
    const bytes = readFileSync(segmentPath(dir, epoch, segment))
    if (bytes.length === 0) continue
    const { salt } = readSegmentHeader(bytes, `segment ${segment}`)!
    for (let at = segmentHeaderBytes; at < bytes.length; ) {
      const decoded = decodeFrame(bytes, at, bytes.length, salt)
      if (decoded.kind !== 'frame') break
      frames.push(decoded.frame)
      at += decoded.bytes
    }
  }
  return frames
}

export { closeOf, headOf, openOf } from './samples.ts'
