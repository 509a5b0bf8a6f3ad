import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { EmbeddedStore } from './local.ts'
import type { RetentionDays } from './retention.ts'

export interface UpkeepOptions {
  store: Pick<EmbeddedStore, 'purges' | 'retention' | 'space' | 'checkpoint'>
  days: RetentionDays
  /** What the file may grow to, now. */
  limitBytes(): number
  /** The embedded database has done its part of a purge: others may begin with theirs. */
  purged(): void
  clock: Clock
  log: Pick<Log, 'info' | 'warn'>
  /** Resolves after so long, or when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface Upkeep {
  /** Resolves after `stop`. */
  run(): Promise<void>
  /** There is something to do at once. */
  wake(): void
  stop(): void
}

/**
 * Keeps the embedded database tidy beside the recorder, in its thread: purges, days of retention, the size limit. It works in
 * steps of a few milliseconds and leaves as much time between them; what fails is told once and tried again.
 */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { sleep } = options
  const freed: Freed = { isNew: false }
  const jobs = [purging, trimming, retaining, givingBack].map((job) => withPatience(job(options, freed), options))
  const stopped = new AbortController()
  let woken = Promise.withResolvers<void>()

  return {
    async run() {
      while (!stopped.signal.aborted) {
        const { promise } = woken
        const isBusy = jobs.some((job) => job()) // the first that has something to do
        if (isBusy) await sleep(pauseMs, stopped.signal)
        else await Promise.race([sleep(lookMs, stopped.signal), promise])
      }
    },
    wake() {
      woken.resolve()
      woken = Promise.withResolvers()
    },
    stop() {
      stopped.abort()
      woken.resolve()
    },
  }
}

/** Does a little; false: there is nothing to do now. */
type Job = () => boolean

/** Something was deleted, and the file is to get smaller by it. */
interface Freed {
  isNew: boolean
}

function withPatience({ what, work }: { what: string; work: Job }, { clock, log }: UpkeepOptions): Job {
  let failedAtMs = Number.NEGATIVE_INFINITY
  let isFailing = false
  return () => {
    if (clock.mono() < failedAtMs + retryMs) return false
    try {
      const isBusy = work()
      if (isFailing) log.info(`${what} works again`)
      isFailing = false
      return isBusy
    } catch (error) {
      if (!isFailing) log.warn(`${what} failed; trying again`, { error })
      isFailing = true
      failedAtMs = clock.mono()
      return false
    }
  }
}

function purging({ store, purged, clock }: UpkeepOptions, freed: Freed) {
  const work = (): boolean => {
    const step = store.purges.step(clock.wall())
    if (step === 'idle') return false
    if (step === 'purged') {
      purged()
      freed.isNew = true
      store.checkpoint() // the log of writes holds what was deleted
    }
    return true
  }
  return { what: 'deleting what a purge is about', work }
}

function trimming({ store, limitBytes, clock, log }: UpkeepOptions, freed: Freed) {
  let before = store.space.counts()
  let stuckAtMs = Number.NEGATIVE_INFINITY
  let isStuck = false
  const work = (): boolean => {
    if (clock.mono() < stuckAtMs + stuckMs) return false
    const limit = limitBytes()
    const found = store.space.trim(limit)
    if (found === 'more') return true
    const now = store.space.counts()
    const gone = { bodies: now.bodies - before.bodies, records: now.records - before.records }
    before = now
    if (gone.bodies + gone.records > 0) freed.isNew = true
    if (gone.bodies + gone.records > 0)
      log.warn('the embedded database reached its size limit: the oldest went', { ...gone, limit })
    if (found === 'stuck' && !isStuck)
      log.warn('the embedded database is at its size limit with what may not go: what is to be delivered, and sums', {
        limit,
      })
    isStuck = found === 'stuck'
    if (isStuck) stuckAtMs = clock.mono()
    return false
  }
  return { what: 'keeping the embedded database within its size', work }
}

function retaining({ store, days, clock, log }: UpkeepOptions, freed: Freed) {
  let dueMs = clock.mono() + firstMs
  let isFirst = true
  let isBusy = false
  const work = (): boolean => {
    if (isBusy) {
      isBusy = store.retention.step()
      if (!isBusy) tell()
      return isBusy
    }
    if (clock.mono() < dueMs) return false
    dueMs = clock.mono() + everyMs
    store.retention.begin(days, clock.wall())
    // at the first time the journal may still hold calls of before them
    if (!isFirst) store.purges.forget(clock.wall() - keptPurgesMs, clock.wall() - everyMs)
    isFirst = false
    isBusy = true
    return true
  }
  const tell = (): void => {
    const counts = Object.fromEntries(Object.entries(store.retention.counts()).filter(([, count]) => count > 0))
    if (Object.keys(counts).length === 0) return
    freed.isNew = true
    log.info('retention deleted what was too old', counts)
  }
  return { what: 'deleting what is too old', work }
}

function givingBack({ store }: UpkeepOptions, freed: Freed) {
  let isGiving = false
  const work = (): boolean => {
    if (store.space.giveBack(freed.isNew || isGiving)) {
      isGiving = true
      return true
    }
    if (isGiving) store.checkpoint() // only now the file gets smaller
    isGiving = false
    freed.isNew = false
    return false
  }
  return { what: 'giving back free space', work }
}

const pauseMs = 5
const lookMs = 500
const retryMs = 10_000
/** With nothing left that may go, it is looked for again so often. */
const stuckMs = 60_000
const firstMs = 3_000
const everyMs = 3_600_000
/** Purges are kept so long after they were carried out: calls that ran then may end later, and are deleted. */
const keptPurgesMs = 30 * 86_400_000
