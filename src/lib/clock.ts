/** The two clocks of the product. Durations come from `mono`; `wall` only dates things. Passed in, so that tests own time. */
export interface Clock {
  /** Unix milliseconds, whole. */
  wall(): number
  /** Milliseconds on the monotonic clock, with fractions. Only differences mean something. */
  mono(): number
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  mono: () => performance.now(),
}
