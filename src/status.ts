import type { ServiceStatus, SystemStatus } from './api/parts.ts'
import type { JournalCounters } from './journal/journal.ts'
import type { Mongo } from './mongo.ts'
import type { RecorderHandle } from './pipeline/recorder-thread.ts'
import type { Store } from './stores/store.ts'

export interface StatusParts {
  recorder: RecorderHandle
  journal: JournalCounters
  /** Null: no database is named. */
  mongo: Mongo | null
  store: Store
  activeRequests: number
}

/** What the parts of the process say of themselves. */
export async function systemStatus({
  recorder,
  journal,
  mongo,
  store,
  activeRequests,
}: StatusParts): Promise<SystemStatus> {
  const [status, delivery] = await Promise.all([recorder.status(), mongo?.status()])
  // what the recorder has not come to yet was accepted all the same
  const accepted = status.accepted - status.acceptedLive + Math.max(journal.accepted, status.acceptedLive)
  return {
    services: {
      journal: journalState(journal),
      recorder: recorder.alive()
        ? { state: 'ok', message: null }
        : { state: 'down', message: 'the recorder thread died and is being restarted; the journal keeps everything' },
      store: { state: 'ok', message: null },
      ...(delivery && { mongodb: delivery.service }),
    },
    records: {
      accepted,
      stored: status.stored,
      pending: accepted - status.stored - status.failed,
      quarantined: status.failed,
      dropped: 0,
      unprotected: journal.unprotected,
    },
    sinks: delivery?.counts ? { mongodb: delivery.counts } : {},
    answeredBy: store.name,
    activeRequests,
    journal: { bytes: journal.bytes, lagBytes: status.lagBytes },
  }
}

function journalState(journal: JournalCounters): ServiceStatus {
  if (journal.dropped > 0)
    return { state: 'degraded', message: `${journal.dropped} frames were given up while the disk took nothing` }
  if (journal.stalled) return { state: 'degraded', message: 'the disk is slow: writes go through the thread pool' }
  return { state: 'ok', message: null }
}
