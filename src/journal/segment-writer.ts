import { dirname, join } from 'node:path'
import type { JournalFiles } from './files.ts'
import { journalVersion, segmentHeader, segmentHeaderBytes, segmentPath } from './segments.ts'
import { Unsynced } from './unsynced.ts'

export interface SegmentWriterOptions {
  dir: string
  epoch: string
  salt: number
  segmentBytes: number
  files: JournalFiles
  /** Files are closed only when they are synced; `sync` is called by whoever wrote. */
  syncs: boolean
  problem: (event: string, error: unknown) => void
}

interface Segment {
  number: number
  fd: number
  /** Everything before this place is whole; what a failed write left behind it is cut off. */
  good: number
}

/** A write that failed. `kept` bytes from the start of its frames stand whole in the file all the same. */
export class WriteFailed extends Error {
  override name = 'WriteFailed'
  readonly kept: number
  constructor(kept: number, cause: unknown) {
    super(`journal write failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.kept = kept
  }
}

/**
 * Appends whole groups of frames to numbered segments, all or nothing: a short write is completed, a failed one is cut off
 * again and its segment left for a new one. A segment's header goes out with its first frames, so that a reader that sees it
 * knows the segment before to be finished.
 */
export class SegmentWriter {
  #options: SegmentWriterOptions
  #current: Segment | null = null
  #next: Segment | null = null
  #lastNumber = 0
  #unsynced: Unsynced | null

  constructor(options: SegmentWriterOptions) {
    this.#options = options
    const { dir, epoch, files, syncs, problem } = options
    this.#unsynced = syncs ? new Unsynced(files, [join(dir, epoch), dir, dirname(dir)], problem) : null
  }

  /** Makes the first segment, so that a directory that cannot be written is known at the start. */
  begin() {
    const segment = this.#make()
    this.#current = segment
    this.#writeAllSync(segment, [this.#header(segment)])
  }

  writeSync(parts: Uint8Array[], bytes: number) {
    const segment = this.#room(bytes)
    this.#writeAllSync(segment, segment.good === 0 ? [this.#header(segment), ...parts] : parts)
  }

  write(parts: Uint8Array[], bytes: number, done: (error: WriteFailed | null) => void) {
    let segment: Segment
    try {
      segment = this.#room(bytes)
    } catch (error) {
      done(error instanceof WriteFailed ? error : new WriteFailed(0, error))
      return
    }
    const rest = segment.good === 0 ? [this.#header(segment), ...parts] : [...parts]
    let written = 0
    const step = (error: Error | null, count: number) => {
      if (error || count <= 0) {
        done(this.#undo(segment, written, error ?? new Error('the disk took no bytes')))
        return
      }
      written += count
      advance(rest, count)
      if (rest.length === 0) {
        segment.good += written
        this.#unsynced?.wrote(segment.fd)
        done(null)
      } else this.#options.files.writev(segment.fd, rest.slice(0, vectorLimit), segment.good + written, step)
    }
    this.#options.files.writev(segment.fd, rest.slice(0, vectorLimit), segment.good, step)
  }

  /** Makes all that was written before safe against a loss of power. */
  sync(done: (error: Error | null) => void) {
    if (this.#unsynced) this.#unsynced.sync(done)
    else done(new Error('this journal was not opened to be synced'))
  }

  close() {
    if (this.#current) this.#leave(this.#current)
    if (this.#next) {
      this.#leave(this.#next)
      this.#attempt(() => this.#options.files.remove(this.#path(this.#next!.number)))
    }
    this.#current = null
    this.#next = null
    this.#unsynced?.end()
  }

  #writeAllSync(segment: Segment, parts: Uint8Array[]) {
    const { files } = this.#options
    let rest = parts
    let written = 0
    try {
      while (rest.length > 0) {
        const count = files.writevSync(
          segment.fd,
          rest.length > vectorLimit ? rest.slice(0, vectorLimit) : rest,
          segment.good + written,
        )
        if (count <= 0) throw new Error('the disk took no bytes')
        written += count
        if (rest === parts && written === sizeOf(parts)) break
        if (rest === parts) rest = [...parts]
        advance(rest, count)
      }
    } catch (error) {
      throw this.#undo(segment, written, error)
    }
    segment.good += written
    this.#unsynced?.wrote(segment.fd)
  }

  /** Cuts off what a failed write left, and leaves the segment. Says how much of the frames could not be cut off. */
  #undo(segment: Segment, written: number, cause: unknown): WriteFailed {
    const header = segment.good === 0 ? segmentHeaderBytes : 0
    const cut = this.#attempt(() => this.#options.files.truncate(segment.fd, segment.good))
    if (cut && segment.good === 0) return new WriteFailed(0, cause) // nothing in it yet: it serves the next attempt
    if (!cut) this.#unsynced?.wrote(segment.fd)
    if (this.#current === segment) {
      this.#leave(segment)
      this.#current = null
    }
    return new WriteFailed(cut ? 0 : Math.max(0, written - header), cause)
  }

  #room(bytes: number): Segment {
    const { segmentBytes } = this.#options
    let segment = this.#current
    if (segment && this.#isFull(segment, bytes, segmentBytes)) {
      this.#leave(segment)
      this.#current = null
      segment = null
    }
    if (!segment) {
      segment = this.#next ?? this.#make()
      this.#next = null
      this.#current = segment
    }
    if (!this.#next && segment.good + bytes > segmentBytes * 0.75) {
      this.#attempt(() => {
        this.#next = this.#make()
      })
    }
    return segment
  }

  #isFull({ fd, good }: Segment, bytes: number, limit: number): boolean {
    return (good > segmentHeaderBytes && good + bytes > limit) || this.#unsynced?.hasFailed(fd) === true
  }

  #make(): Segment {
    const number = this.#lastNumber + 1
    try {
      const fd = this.#options.files.open(this.#path(number))
      this.#lastNumber = number
      this.#unsynced?.named()
      return { number, fd, good: 0 }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') this.#lastNumber = number
      throw new WriteFailed(0, error)
    }
  }

  #leave(segment: Segment) {
    if (this.#unsynced) this.#unsynced.leave(segment.fd)
    else this.#attempt(() => this.#options.files.close(segment.fd))
  }

  #attempt(action: () => void): boolean {
    try {
      action()
      return true
    } catch (error) {
      this.#options.problem('journal file call failed', error)
      return false
    }
  }

  #header({ number }: Segment): Buffer {
    const { epoch, salt } = this.#options
    return segmentHeader({ version: journalVersion, segment: number, salt, epoch })
  }

  #path(number: number): string {
    return segmentPath(this.#options.dir, this.#options.epoch, number)
  }
}

/** IOV_MAX on Linux and macOS. */
const vectorLimit = 1024

function sizeOf(parts: readonly Uint8Array[]): number {
  let bytes = 0
  for (const part of parts) bytes += part.length
  return bytes
}

/** Takes `count` bytes off the front. */
function advance(parts: Uint8Array[], count: number) {
  let left = count
  let whole = 0
  while (whole < parts.length && left >= parts[whole]!.length) left -= parts[whole++]!.length
  parts.splice(0, whole)
  if (left > 0) parts[0] = parts[0]!.subarray(left)
}
