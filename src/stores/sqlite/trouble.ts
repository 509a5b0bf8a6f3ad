/**
 * What is wrong with a database's file, where that is what an error says: `away` passes (somebody locks it, the disk is full
 * or takes nothing, rights are missing), `damaged` does not. Null: something else is wrong.
 */
export type Trouble = 'away' | 'damaged'

/** The file is there, and whoever makes it is not done yet. */
export class StoreUnmade extends Error {
  override name = 'StoreUnmade'
}

export function troubleOf(error: unknown): Trouble | null {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof StoreUnmade) return 'away'
    const { errcode, code } = one as { errcode?: unknown; code?: unknown }
    // SQLite's own code stands in the lowest byte, what exactly happened above it
    const found = typeof errcode === 'number' ? bySqlite.get(errcode & 0xff) : bySystem.get(String(code))
    if (found !== undefined) return found
  }
  return null
}

const bySqlite: ReadonlyMap<number, Trouble> = new Map([
  [5, 'away'], // busy
  [6, 'away'], // locked
  [7, 'away'], // no memory
  [8, 'away'], // read-only
  [10, 'away'], // input or output failed
  [11, 'damaged'], // corrupt
  [13, 'away'], // full
  [14, 'away'], // cannot open
  [26, 'damaged'], // no database
])

const bySystem: ReadonlyMap<string, Trouble> = new Map(
  ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE'].map((code) => [code, 'away']),
)
