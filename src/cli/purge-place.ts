import type { PurgeAnswer } from '../api/purge-answer.ts'

/** Where a purge is carried out: by the running proxy, or in its data directory. */
export interface PurgePlace {
  ask(question: PurgeQuestion): Promise<PurgeAnswer>
  /** How far it is, some time later; null: it is not known any more. */
  look(number: number): Promise<PurgeAnswer | null>
  /** How long is waited for parts that say what they wait for. */
  readonly heldMs: number
  close(): Promise<void>
}

/** Fields by the names that the API gives them; the date in Unix milliseconds. */
export interface PurgeQuestion {
  user?: string
  project?: string
  before?: string
  dry_run?: boolean
}
