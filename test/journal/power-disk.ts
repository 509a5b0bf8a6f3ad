import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type JournalFiles, systemFiles } from '../../src/journal/files.ts'
import { segmentHeaderBytes } from '../../src/journal/segments.ts'
import type { Seeded } from '../faults/seeded.ts'

/** What the disk does until it is told otherwise. `hang`: writes through the thread pool do not come back. */
export type Fault = 'none' | 'ENOSPC' | 'EIO' | 'short' | 'slow' | 'hang' | 'untruncatable' | 'unsyncable'

interface FileState {
  path: string
  /** What a power loss leaves for certain. */
  safe: Buffer
  /** Its name is safe. */
  named: boolean
  /** Bytes that were cut off; until the next sync they may come back. */
  cutOff: { at: number; bytes: Buffer } | null
  /** A sync failed: the kernel has given these bytes up, and a later sync that succeeds says nothing about them. */
  given: { from: number; to: number }[]
}

const systemError = (code: string) => Object.assign(new Error(`${code}: disk`), { code })

/**
 * Real files, and beside them the knowledge of what was synced: `losePower` leaves of each file what is certain and a part
 * of the rest. The processes that write there one after the other each get their own `session`, which a crash ends.
 */
export class PowerDisk {
  fault: Fault = 'none'
  /** Called by a slow write. */
  slow: () => void = () => {}
  #random: Seeded
  #files = new Map<string, FileState>()
  #paths = new Map<number, string>()
  /** Directories whose own names are safe. */
  #named = new Set<string>()
  #session = { alive: false }
  #held: (() => void)[] = []
  /** Directories of files in which bytes that had been cut off came back. */
  readonly cameBack = new Set<string>()

  constructor(random: Seeded) {
    this.#random = random
  }

  /** The file calls of a new process. Those of the one before do nothing any more. */
  session(): JournalFiles {
    const session = { alive: true }
    this.#session = session
    const alive = () => {
      if (!session.alive) throw systemError('EBADF')
    }
    return {
      open: (path) => {
        alive()
        if (this.fault === 'ENOSPC' && this.#random.next() < 0.5) throw systemError('ENOSPC')
        const fd = systemFiles.open(path)
        this.#paths.set(fd, path)
        this.#files.set(path, { path, safe: Buffer.alloc(0), named: false, cutOff: null, given: [] })
        return fd
      },
      writevSync: (fd, parts, position) => {
        alive()
        if (this.fault === 'slow') this.slow()
        return this.#write(fd, parts, position)
      },
      writev: (fd, parts, position, done) => {
        const go = () => {
          let written = 0
          let failure: Error | null = null
          try {
            written = this.#write(fd, parts, position)
          } catch (error) {
            failure = error as Error
          }
          done(failure, written)
        }
        this.#soon(session, go)
      },
      truncate: (fd, length) => {
        alive()
        if (this.fault === 'untruncatable') throw systemError('EIO')
        const state = this.#stateOf(fd)
        const bytes = readFileSync(state.path)
        if (bytes.length > length) state.cutOff = { at: length, bytes: bytes.subarray(length) }
        systemFiles.truncate(fd, length)
      },
      sync: (fd, done) => {
        const { path } = this.#stateOf(fd)
        const written = existsSync(path) ? readFileSync(path) : Buffer.alloc(0) // the recorder may have deleted it
        this.#soon(session, () => outcome(() => this.#sync(path, written), done))
      },
      syncDirectory: (path, done) => this.#soon(session, () => outcome(() => this.syncDirectory(path), done)),
      close: (fd) => {
        alive()
        this.#paths.delete(fd)
        systemFiles.close(fd)
      },
      remove: (path) => {
        alive()
        this.#files.delete(path)
        systemFiles.remove(path)
      },
    }
  }

  /** What LiveSync calls. Throws where the disk cannot. */
  syncFile = (path: string) => this.#sync(path, readFileSync(path))

  syncDirectory = (path: string) => {
    if (this.fault === 'unsyncable') throw systemError('EIO')
    this.#named.add(path)
    for (const state of this.#files.values()) if (dirname(state.path) === path) state.named = true
  }

  #sync(path: string, bytes: Buffer) {
    const state = this.#files.get(path)
    if (!state) return
    if (this.fault === 'unsyncable') {
      // without its header nothing in a file can be read: a failed sync of just these bytes is beyond what is promised
      state.safe = state.safe.length === 0 ? bytes.subarray(0, segmentHeaderBytes) : state.safe
      state.given.push({ from: state.safe.length, to: bytes.length })
      throw systemError('EIO')
    }
    state.safe = bytes
    state.cutOff = null
  }

  /** The process dies: what it wrote stays, and a write that is on its way may have come any part of the way. */
  crash() {
    for (const go of this.#held.splice(0)) if (this.#random.next() < 0.5) go()
    this.#session.alive = false
    for (const fd of this.#paths.keys()) systemFiles.close(fd)
    this.#paths.clear()
  }

  /** Lets the writes go that hang. */
  release() {
    for (const go of this.#held.splice(0)) go()
  }

  /** The machine dies: of what was not synced, any part may be there, in whatever state. */
  losePower() {
    this.crash()
    for (const state of [...this.#files.values()]) {
      if (!existsSync(state.path)) this.#files.delete(state.path)
      else if (!this.#nameIsSafe(state) && this.#random.next() < 0.3) {
        rmSync(state.path)
        this.#files.delete(state.path)
      } else writeFileSync(state.path, this.#leftOf(state))
    }
    this.#allIsSafe()
  }

  /** One bit of a file. */
  flip(path: string, bit: number) {
    const bytes = readFileSync(path)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    writeFileSync(path, bytes)
    this.#allIsSafe()
  }

  #leftOf({ path, safe, cutOff, given }: FileState): Buffer {
    const now = readFileSync(path)
    const back = cutOff && cutOff.at === now.length && this.#random.next() < 0.5 ? cutOff.bytes : Buffer.alloc(0)
    if (back.length > 0) this.cameBack.add(dirname(path))
    const all = Buffer.concat([now, back])
    const left = Buffer.from(all.subarray(0, this.#random.whole(Math.min(safe.length, all.length), all.length)))
    safe.copy(left)
    if (left.length > safe.length && this.#random.next() < 0.5) {
      const from = this.#random.whole(safe.length, left.length - 1)
      left.fill(0, from, this.#random.whole(from, left.length))
    }
    for (const { from, to } of given) if (from < left.length) left.fill(0, from, Math.min(to, left.length))
    return left
  }

  /** After a restart, what is there has been read from the disk. */
  #allIsSafe() {
    for (const state of this.#files.values()) {
      if (!existsSync(state.path)) this.#files.delete(state.path)
      else Object.assign(state, { safe: readFileSync(state.path), named: true, cutOff: null, given: [] })
    }
  }

  #nameIsSafe({ path, named }: FileState): boolean {
    return named && this.#named.has(dirname(dirname(path)))
  }

  /** Through the thread pool. */
  #soon(session: { alive: boolean }, work: () => void) {
    const go = () => {
      if (session.alive) work()
    }
    if (this.fault === 'hang') this.#held.push(go)
    else setImmediate(go)
  }

  #write(fd: number, parts: readonly Uint8Array[], position: number): number {
    const { fault } = this
    if (fault === 'EIO') throw systemError('EIO')
    const all = Buffer.concat(parts)
    const full = fault === 'ENOSPC' || fault === 'untruncatable'
    const count = full || fault === 'short' ? this.#random.whole(full ? 0 : 1, all.length) : all.length
    if (full && (count === 0 || this.#random.next() < 0.5)) throw systemError('ENOSPC')
    return systemFiles.writevSync(fd, [all.subarray(0, count)], position)
  }

  #stateOf(fd: number): FileState {
    const state = this.#files.get(this.#paths.get(fd) ?? '')
    if (!state) throw new Error(`${fd} is not open`)
    return state
  }
}

function outcome(work: () => void, done: (error: Error | null) => void) {
  let failure: Error | null = null
  try {
    work()
  } catch (error) {
    failure = error as Error
  }
  done(failure)
}
