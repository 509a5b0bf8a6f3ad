import type { SinkCounters } from './outbox.ts'

/** How a sink is, for people and for those who choose whom to ask. */
export interface SinkState {
  /** `degraded`: the last attempt failed. `down`: many did, and only small batches are tried. */
  state: 'ok' | 'degraded' | 'down'
  /** Name and code of the last error, never its text: that may name hosts. */
  code: string | null
  /** Unix milliseconds: nothing was taken since then. */
  since_ms: number | null
}

export interface SinkStatus extends SinkState {
  name: string
  counters: SinkCounters
}
