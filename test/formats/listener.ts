/** Hears the values of a reading, and when each came. */
export interface Listener {
  readonly values: unknown[]
  readonly times: number[]
  value(value: unknown, atMs: number): void
  done(): void
}

export function listener(): Listener {
  const values: unknown[] = []
  const times: number[] = []
  return {
    values,
    times,
    value(value, atMs) {
      values.push(value)
      times.push(atMs)
    },
    done() {},
  }
}
