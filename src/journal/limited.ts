import type { Clock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { ExchangeClose, ExchangeHead, ExchangeOpen } from '../records/exchange.ts'
import { type BudgetState, DiskBudget, type DiskUse } from './disk-budget.ts'
import { gapClose, gapOpen } from './gap.ts'
import type { Journal, JournalCounters } from './journal.ts'

export interface LimitedJournal extends Journal {
  readonly state: BudgetState
  /** A look at the files found so much. */
  looked(use: DiskUse): void
}

/**
 * A journal that keeps to a budget of disk: from 80 % on it takes no bodies, and says so at the end of the call; when all is
 * used up it takes no new calls, but counts them, and one record of the gap tells from when to when and how many.
 */
export function limitedJournal(journal: Journal, limitBytes: number, clock: Clock): LimitedJournal {
  return new Limited(journal, limitBytes, clock)
}

interface Gap {
  exchange: number
  sinceMs: number
  calls: number
}

class Limited implements LimitedJournal {
  readonly epoch: string
  #journal: Journal
  #budget: DiskBudget
  #clock: Clock
  #droppedCalls = 0
  #leanCalls = 0
  /** Open exchanges of which body bytes were not taken. */
  #lean = new Set<number>()
  #gap: Gap | null = null

  constructor(journal: Journal, limitBytes: number, clock: Clock) {
    this.epoch = journal.epoch
    this.#journal = journal
    this.#budget = new DiskBudget(limitBytes)
    this.#clock = clock
  }

  get counters(): JournalCounters {
    const { counters } = this.#journal
    return {
      ...counters,
      accepted: counters.accepted + this.#droppedCalls,
      droppedCalls: counters.droppedCalls + this.#droppedCalls,
      leanCalls: this.#leanCalls,
    }
  }

  get state(): BudgetState {
    return this.#budget.state
  }

  looked(use: DiskUse) {
    this.#budget.looked(use, this.#journal.counters.bytes)
    if (this.#budget.state !== 'full') this.#endGap()
  }

  open(open: ExchangeOpen, written: (safe: boolean) => void): number {
    if (this.#now() !== 'full') return this.#journal.open(open, written)
    this.#gap ??= this.#beginGap()
    this.#gap.calls++
    this.#droppedCalls++
    setImmediate(written, false)
    return 0
  }

  head(exchange: number, head: ExchangeHead) {
    if (exchange !== 0) this.#journal.head(exchange, head)
  }

  data(exchange: number, side: 'request' | 'response', offset: number, atMs: number, bytes: Uint8Array) {
    if (exchange === 0) return
    if (this.#now() === 'free') this.#journal.data(exchange, side, offset, atMs, bytes)
    else if (bytes.length > 0) this.#lean.add(exchange)
  }

  close(exchange: number, close: ExchangeClose, written: (safe: boolean) => void) {
    if (exchange === 0) setImmediate(written, false)
    else if (this.#lean.delete(exchange)) {
      this.#leanCalls++
      this.#journal.close(exchange, { ...close, notes: [...(close.notes ?? []), leanNote] }, written)
    } else this.#journal.close(exchange, close, written)
  }

  end(): Promise<void> {
    this.#endGap()
    return this.#journal.end()
  }

  #now(): BudgetState {
    return this.#budget.now(this.#journal.counters.bytes)
  }

  #beginGap(): Gap {
    const sinceMs = this.#clock.wall()
    const exchange = this.#journal.open(gapOpen(newId(sinceMs), sinceMs, this.#clock.mono()), () => {})
    return { exchange, sinceMs, calls: 0 }
  }

  #endGap() {
    const gap = this.#gap
    if (!gap) return
    this.#gap = null
    const close = gapClose(gap.calls, gap.sinceMs, this.#clock.wall(), this.#clock.mono())
    this.#journal.close(gap.exchange, close, () => {})
  }
}

const leanNote = 'bodies are missing: the disk budget (journal.limit) was used up to 80 %'
