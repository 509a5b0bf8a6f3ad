import { type JournalFiles, systemFiles } from '../../src/journal/files.ts'

const systemError = (code: string) => Object.assign(new Error(`${code}: write`), { code })

/** The real files, with a disk that can be full, slow or broken. */
export class FaultyFiles implements JournalFiles {
  /** Bytes the disk still takes. */
  room = Number.POSITIVE_INFINITY
  /** At most so many bytes are taken by one write. */
  mouthful = Number.POSITIVE_INFINITY
  /** Why writes fail, if they do. */
  broken: string | null = null
  truncateBroken = false
  openBroken = false
  /** Called before each synchronous write: a test lets its clock run here. */
  beforeSync: () => void = () => {}
  /** Writes through the thread pool wait here while it is set. */
  held: (() => void)[] | null = null
  /** Why syncs fail, if they do. */
  unsyncable: string | null = null
  /** Syncs wait here while it is set. */
  heldSyncs: (() => void)[] | null = null
  syncs = 0
  asyncWrites = 0
  syncWrites = 0
  opened: string[] = []

  open(path: string): number {
    if (this.openBroken) throw systemError('ENOSPC')
    this.opened.push(path)
    return systemFiles.open(path)
  }

  writevSync(fd: number, parts: readonly Uint8Array[], position: number): number {
    this.syncWrites++
    this.beforeSync()
    return this.#write(fd, parts, position)
  }

  writev(
    fd: number,
    parts: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ) {
    this.asyncWrites++
    const go = () => {
      try {
        done(null, this.#write(fd, parts, position))
      } catch (error) {
        done(error as Error, 0)
      }
    }
    if (this.held) this.held.push(go)
    else setImmediate(go)
  }

  truncate(fd: number, length: number) {
    if (this.truncateBroken) throw systemError('EIO')
    systemFiles.truncate(fd, length)
  }

  sync(_fd: number, done: (error: Error | null) => void) {
    this.syncs++
    const go = () => done(this.unsyncable ? systemError(this.unsyncable) : null)
    if (this.heldSyncs) this.heldSyncs.push(go)
    else setImmediate(go)
  }

  syncDirectory(_path: string, done: (error: Error | null) => void) {
    setImmediate(done, null)
  }

  /** Lets the syncs go that wait, and all later ones. */
  releaseSyncs() {
    const held = this.heldSyncs ?? []
    this.heldSyncs = null
    for (const go of held) go()
  }

  close(fd: number) {
    systemFiles.close(fd)
  }

  remove(path: string) {
    systemFiles.remove(path)
  }

  /** Lets the writes go that wait, and all later ones. */
  release() {
    const held = this.held ?? []
    this.held = null
    for (const go of held) go()
  }

  #write(fd: number, parts: readonly Uint8Array[], position: number): number {
    if (parts.length > 1024) throw systemError('EINVAL')
    if (this.broken) throw systemError(this.broken)
    const all = Buffer.concat(parts)
    const count = Math.min(all.length, this.mouthful, this.room)
    if (count === 0) throw systemError('ENOSPC')
    this.room -= count
    return systemFiles.writevSync(fd, [all.subarray(0, count)], position)
  }
}
