/** What a framing reader hands on: one JSON value after another, with the arrival of the bytes that completed each. */
export interface Receiver {
  value(value: unknown, atMs: number, name: string | null): void
  /** The `[DONE]` sentinel. */
  done(atMs: number): void
}

/** What a reader saw on its way. */
export interface Reading {
  events: number
  badEvents: number
  comments: number
  /** Events or lines above the size limit; skipped. */
  tooLarge: number
  /** Places where bytes were missing and the reader had to find the next boundary. */
  gaps: number
}

export const emptyReading = (): Reading => ({ events: 0, badEvents: 0, comments: 0, tooLarge: 0, gaps: 0 })

export const eventLimit = 24 << 20
