import type { DatabaseSync } from 'node:sqlite'
import { type Aging, bodiesAging, recordsAging } from './aging.ts'
import { counter } from './counter.ts'
import { inTransaction } from './database.ts'
import { taken } from './taken.ts'

/** Keeps the file within a size, and gives back to the file system what it does not need. */
export interface Space {
  /**
   * Some of what brings the file down to nine tenths of the limit, once it is near it: the oldest bodies go, then the oldest
   * records. In a transaction of a few milliseconds.
   */
  trim(limitBytes: number): Trimming
  /** `trim` would begin, or go on. */
  isFull(limitBytes: number): boolean
  /** Gives back some free pages; false: there are too few to care. `all`: as many as there are. */
  giveBack(all: boolean): boolean
  /** Of pages that hold something; and of all of them. */
  size(): { usedBytes: number; fileBytes: number }
  /** What `trim` took since the file was opened. */
  counts(): { bodies: number; records: number }
}

/** `fits`: there is room. `more`: something went. `stuck`: all that is left is needed. */
export type Trimming = 'fits' | 'more' | 'stuck'

export interface SpaceOptions {
  database: DatabaseSync
  /** Names of sinks that records are delivered to: what they have not taken stays. */
  sinks: readonly string[]
}

export function openSpace({ database, sinks }: SpaceOptions): Space {
  const known = taken(database, sinks)
  const count = counter(database)
  const pages = database.prepare('PRAGMA page_count')
  const free = database.prepare('PRAGMA freelist_count')
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.page_size)
  const found = { bodies: 0, records: 0 }
  let stages: { what: keyof typeof found; aging: Aging }[] | null = null

  const size = () => {
    const all = Number(pages.get()?.page_count)
    const unused = Number(free.get()?.freelist_count)
    return { usedBytes: (all - unused) * pageBytes, fileBytes: all * pageBytes }
  }

  const isFull = (limitBytes: number): boolean => stages !== null || size().usedBytes > limitBytes * beginAt

  return {
    size,
    isFull,
    trim(limitBytes) {
      if (stages === null) {
        if (!isFull(limitBytes)) return 'fits'
        stages = [
          { what: 'bodies', aging: bodiesAging(database, Number.MAX_SAFE_INTEGER, known) },
          { what: 'records', aging: recordsAging(database, Number.MAX_SAFE_INTEGER, known) },
        ]
      }
      const isEnough = (): boolean => size().usedBytes <= limitBytes * endAt
      const [stage] = stages
      if (stage === undefined || isEnough()) {
        stages = null
        return stage === undefined ? 'stuck' : 'fits'
      }
      try {
        const gone = inTransaction(database, 'BEGIN IMMEDIATE', () => {
          const gone = stage.aging.step(performance.now() + stepMs, isEnough)
          if (gone > 0) count(`limit_${stage.what}`, gone)
          return gone
        })
        found[stage.what] += gone
      } catch (error) {
        stages = null
        throw error
      }
      if (stage.aging.isDone()) stages.shift()
      return 'more'
    },
    giveBack(all) {
      const { usedBytes, fileBytes } = size()
      const unused = fileBytes - usedBytes
      if (unused < (all ? leastBytes : Math.max(spareBytes, fileBytes / 4))) return false
      database.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`)
      return true
    },
    counts: () => ({ ...found }),
  }
}

/** Parts of the limit: a little below it, for much may come in the moment until it is looked at again. */
const beginAt = 0.95
const endAt = 0.9
/** Free pages that nobody made on purpose are used again. */
const spareBytes = 16 * 1024 * 1024
const leastBytes = 64 * 1024
const pagesAtOnce = 100
const stepMs = 4
