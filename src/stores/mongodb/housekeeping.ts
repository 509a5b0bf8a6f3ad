import type { CollectionName } from './collections.ts'
import { daySeconds } from './collections.ts'
import type { Db } from './driver.ts'
import { deleteExpired, forgetBodies } from './expire.ts'
import type { SetupResult } from './setup.ts'
import type { MongoSinkOptions } from './sink.ts'

type Options = Pick<MongoSinkOptions, 'log' | 'retention' | 'bodiesDays' | 'purgeEveryMs' | 'now'>

/** Deletes now and then what is old and what the server does not delete by itself. A failure is told and tried again the next time. */
export function housekeeper({
  log,
  retention = {},
  bodiesDays = 0,
  purgeEveryMs = 3_600_000,
  now = Date.now,
}: Options) {
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | null = null
  let passes = 0

  const bodies = async (db: Db, foreign: readonly CollectionName[]): Promise<number> => {
    const runsDays = retention.llm_runs ?? 0
    if (bodiesDays === 0 || foreign.includes('llm_runs') || (runsDays > 0 && bodiesDays >= runsDays)) return 0
    const untilMs = now() - bodiesDays * dayMs
    // most passes look at what got too old since the last ones; now and then one finds what was delivered late
    const fromMs = passes++ % passesForAll === 0 ? 0 : Math.max(0, untilMs - 2 * dayMs)
    return forgetBodies(db, fromMs, untilMs, stopping.signal)
  }

  return {
    start(db: Db, { foreign, toPurge }: SetupResult): void {
      if (timer !== null || stopping.signal.aborted) return
      const work = async (): Promise<void> => {
        try {
          const deleted = await deleteExpired(db, toPurge, retention, now(), stopping.signal)
          if (deleted > 0) log.info('deleted old documents', { deleted })
          const forgotten = await bodies(db, foreign)
          if (forgotten > 0) log.info('deleted old bodies', { runs: forgotten })
        } catch (error) {
          if (!stopping.signal.aborted) log.warn('old documents could not be deleted', { error })
        }
      }
      timer = setInterval(() => void work(), purgeEveryMs)
      timer.unref()
      void work()
    },
    stop(): void {
      stopping.abort(new Error('the sink is closed'))
      if (timer !== null) clearInterval(timer)
    },
  }
}

const dayMs = daySeconds * 1000
const passesForAll = 24
