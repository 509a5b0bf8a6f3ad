import type { Journal, JournalCounters } from '../../src/journal/journal.ts'
import type { ExchangeClose, ExchangeHead, ExchangeOpen } from '../../src/records/exchange.ts'

/** A journal that only remembers, and calls back in a later turn of the event loop as the real one does. */
export class MemoryJournal implements Journal {
  readonly epoch = '00000000-0000-7000-8000-000000000000'
  readonly entries: JournalEntry[] = []
  readonly counters: JournalCounters = {
    accepted: 0,
    unprotected: 0,
    dropped: 0,
    droppedCalls: 0,
    leanCalls: 0,
    bytes: 0,
    writes: 0,
    failedWrites: 0,
    stalled: false,
  }
  /** Called when an exchange is closed. */
  closed: (entry: JournalEntry) => void = () => {}

  open(open: ExchangeOpen, written: (safe: boolean) => void): number {
    this.entries.push({ open, head: null, close: null, request: [], response: [] })
    setImmediate(written, true)
    return this.entries.length - 1
  }

  head(exchange: number, head: ExchangeHead): void {
    this.entries[exchange]!.head = head
  }

  data(exchange: number, side: 'request' | 'response', offset: number, atMs: number, bytes: Uint8Array): void {
    this.entries[exchange]![side].push({ offset, atMs, bytes: Buffer.from(bytes) })
  }

  close(exchange: number, close: ExchangeClose, written: (safe: boolean) => void): void {
    const entry = this.entries[exchange]!
    entry.close = close
    setImmediate(() => {
      written(true)
      this.closed(entry)
    })
  }

  async end(): Promise<void> {}
}

export interface JournalEntry {
  open: ExchangeOpen
  head: ExchangeHead | null
  close: ExchangeClose | null
  request: JournalPiece[]
  response: JournalPiece[]
}

export interface JournalPiece {
  offset: number
  atMs: number
  bytes: Buffer
}

export const bytesOf = (pieces: readonly JournalPiece[]): Buffer => Buffer.concat(pieces.map(({ bytes }) => bytes))
