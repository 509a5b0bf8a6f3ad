import type { ExchangeClose, ExchangeHead, ExchangeOpen } from '../records/exchange.ts'

/**
 * The data plane's side of the journal. Frames given during one turn of the event loop are written together; callbacks run
 * right after that write. Nothing here ever throws into the data plane: a write that fails or takes too long calls back with
 * `false` (the call is `unprotected`) and is counted.
 */
export interface Journal {
  readonly epoch: string
  /** Begins an exchange; the number names it in later frames of this epoch, 0 says that it is in none. `written` runs once OPEN is on the disk. */
  open(open: ExchangeOpen, written: (safe: boolean) => void): number
  head(exchange: number, head: ExchangeHead): void
  /** Body bytes, kept by reference until the write. `offset`: place of the first byte in the body. */
  data(exchange: number, side: 'request' | 'response', offset: number, atMs: number, bytes: Uint8Array): void
  close(exchange: number, close: ExchangeClose, written: (safe: boolean) => void): void
  readonly counters: JournalCounters
  /** Writes what is pending and closes the files. */
  end(): Promise<void>
}

export interface JournalCounters {
  /** Exchanges opened. */
  readonly accepted: number
  /** Exchanges whose OPEN or CLOSE was not on the disk when they went on. */
  readonly unprotected: number
  /** Frames given up because too much was waiting for a disk that takes nothing. */
  readonly dropped: number
  /** Exchanges that are in no frame, because a limit was reached. Part of `accepted`; none of them is `unprotected`. */
  readonly droppedCalls: number
  /** Exchanges that ended without all of their bodies, because most of the disk budget was used up. */
  readonly leanCalls: number
  readonly bytes: number
  readonly writes: number
  readonly failedWrites: number
  /** Writes are going through the thread pool because the disk stalled. */
  readonly stalled: boolean
}
