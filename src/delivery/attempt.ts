/** The sink gave no answer in time. */
export class Late extends Error {
  override name = 'Late'
  readonly code = 'LATE'
}

/** Everything was told to end at once. */
export class Cut extends Error {
  override name = 'Cut'
}

export interface AttemptLimits {
  /** After so long the work is told to stop. */
  deadlineMs: number
  /** So long is waited for it to stop, so that only one writes at a time. Then it is left to itself. */
  abandonMs: number
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Ends the attempt whatever the work does. */
  cut: AbortSignal
}

/** Does some work under a deadline of our own. Work that is done late is done all the same. */
export async function attempt(work: (signal: AbortSignal) => Promise<void>, limits: AttemptLimits): Promise<void> {
  const { cut, deadlineMs, abandonMs, sleep } = limits
  cut.throwIfAborted()
  const deadline = new AbortController()
  const over = new AbortController()
  const quiet = AbortSignal.any([over.signal, cut])
  const isCut = new Promise<never>((_, reject) => {
    quiet.addEventListener('abort', () => reject(cut.aborted ? cut.reason : new Cut('the attempt is over')), {
      once: true,
    })
  })
  isCut.catch(() => {}) // heard in the races below, while they last
  const working = Promise.resolve(work(AbortSignal.any([deadline.signal, cut])))
  working.catch(() => {}) // the same
  const ended = working.then(() => 'done' as const)
  try {
    if ((await Promise.race([ended, isCut, sleep(deadlineMs, quiet)])) === 'done') return
    const late = new Late(`no answer within ${deadlineMs} ms`)
    deadline.abort(late)
    if ((await Promise.race([ended, isCut, sleep(abandonMs, quiet)])) === 'done') return
    throw late
  } finally {
    over.abort()
  }
}
