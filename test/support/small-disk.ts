import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of our own, which can be made full and given room again. */
export interface SmallDisk {
  path: string
  /** Takes away all the room that is left. */
  fill(): void
  free(): void
  unmount(): void
}

/** A tmpfs of so many MiB, or why there can be none. */
export function smallDisk(mib: number): SmallDisk | { refused: string } {
  const path = mkdtempSync(join(tmpdir(), 'sightglass-disk-'))
  const mount = (...words: string[]) => execFileSync('mount', words, { stdio: 'pipe' })
  const sized = (bytes: number) => mount('-o', `remount,size=${bytes}`, path)
  try {
    mount('-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path)
  } catch (error) {
    rmdirSync(path)
    return { refused: error instanceof Error ? error.message.trim() : String(error) }
  }
  return {
    path,
    fill() {
      for (;;) {
        const { blocks, bfree, bsize } = statfsSync(path)
        if (bfree === 0) return
        try {
          sized(Math.max(1, blocks - bfree) * bsize)
        } catch {
          // more was written meanwhile than is left now: look again
        }
      }
    },
    free: () => sized(mib * 1024 * 1024),
    unmount() {
      execFileSync('umount', [path], { stdio: 'pipe' })
      rmdirSync(path)
    },
  }
}
