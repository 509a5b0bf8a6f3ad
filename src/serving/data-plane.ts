import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BudgetState, DiskUse } from '../journal/disk-budget.ts'
import type { JournalCounters } from '../journal/journal.ts'

/** What serves calls and writes them into the journal: this process, or several workers of it. */
export interface DataPlane {
  /** Epochs of the journal that are being written now. */
  readonly epochs: readonly string[]
  /** A look at the files found so much. */
  looked(use: DiskUse): void
  /** No call is taken on now, because none can be recorded and the settings want no call without a record. */
  refusing(): boolean
  status(): Promise<PlaneStatus>
  /** Begins to serve. Requests that are no calls are answered by `self`. Throws when the port cannot be had. */
  listen(self: OwnRequests): Promise<{ address: string; port: number }>
  /** Resolves once no call is under way. */
  idle(): Promise<void>
  /** Serves on for the delay, then takes no new connections, and cuts what still runs at the limit of the settings. */
  drain(delayMs: number, hurry: Promise<void>): Promise<void>
  /** Ends running calls at once. */
  cut(): void
  /** Writes what is pending and ends. */
  end(): Promise<void>
}

export type OwnRequests = (request: IncomingMessage, response: ServerResponse) => void

/** Sums over all that were ever serving in this run. */
export interface PlaneStatus {
  readonly counters: JournalCounters
  /** Of the disk budget, the worst of all. */
  readonly state: BudgetState
  /** Calls that are running now. */
  readonly active: number
  /** Null where there are no workers. */
  readonly workers: { readonly wanted: number; readonly serving: number } | null
}
