/**
 * What the work gives, or the signal's reason as soon as it aborts: the driver itself has no deadline that ends every wait.
 * Work that was given up may still happen, so it must be such that doing it again changes nothing.
 */
export async function until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work(), stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** The signal, or this many milliseconds from now: whichever comes first. */
export const deadline = (ms: number, signal?: AbortSignal): AbortSignal => {
  const late = AbortSignal.timeout(ms)
  return signal === undefined ? late : AbortSignal.any([signal, late])
}
