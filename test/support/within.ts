/** The promise's value, or an error that names what did not happen in time. */
export async function within<T>(ms: number, what: string, promise: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Asks again and again until the answer is neither false, null nor undefined, for conditions that nobody announces. The
 * last error of the question is the cause of a failure.
 */
export async function eventually<T>(
  what: string,
  question: () => T | Promise<T>,
  ms = 5000,
  everyMs = 5,
): Promise<NonNullable<T>> {
  const until = performance.now() + ms
  for (;;) {
    let cause: unknown
    try {
      const answer = await question()
      if (answer !== false && answer !== null && answer !== undefined) return answer
    } catch (error) {
      cause = error
    }
    if (performance.now() > until) throw new Error(`waited ${ms} ms in vain for ${what}`, { cause })
    await pause(everyMs)
  }
}

/** Time that passes because a script says so (an upstream that is slow). Never a stand-in for a signal. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A promise with its handles outside, to say in a test that something may go on now. */
export function signal<T = void>(): { promise: Promise<T>; give: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>()
  return { promise, give: resolve }
}
