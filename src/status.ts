import type { ServiceStatus, SystemStatus } from './api/parts.ts'
import type { Mongo } from './mongo.ts'
import type { RecorderHandle } from './pipeline/recorder-thread.ts'
import type { DataPlane, PlaneStatus } from './serving/data-plane.ts'
import type { Store } from './stores/store.ts'

export interface StatusParts {
  recorder: RecorderHandle
  plane: Pick<DataPlane, 'status'>
  /** Null: no database is named. */
  mongo: Mongo | null
  store: Store
}

/** What the parts of the process say of themselves. */
export async function systemStatus({ recorder, plane: serving, mongo, store }: StatusParts): Promise<SystemStatus> {
  const [status, delivery] = await Promise.all([recorder.status(), mongo?.status()])
  const plane = await serving.status() // the last: who took a call comes before who has it
  // what the recorder has not come to yet was accepted all the same
  const { accepted: taken, droppedCalls, unprotected, bytes } = plane.counters
  const accepted = status.accepted - status.acceptedLive + Math.max(taken, status.acceptedLive + droppedCalls)
  return {
    services: {
      journal: journalState(plane),
      recorder: recorder.alive()
        ? { state: 'ok', message: null }
        : { state: 'down', message: 'the recorder thread died and is being restarted; the journal keeps everything' },
      store: { state: 'ok', message: null },
      ...(delivery && { mongodb: delivery.service }),
      ...(plane.workers && { workers: workersState(plane.workers) }),
    },
    records: {
      accepted,
      stored: status.stored,
      pending: accepted - status.stored - status.failed - status.purged - droppedCalls,
      quarantined: status.failed,
      dropped: droppedCalls + status.purged,
      unprotected,
    },
    sinks: delivery?.counts ? { mongodb: delivery.counts } : {},
    answeredBy: store.name,
    activeRequests: plane.active,
    journal: { bytes, lagBytes: status.lagBytes },
  }
}

function workersState({ wanted, serving }: NonNullable<PlaneStatus['workers']>): ServiceStatus {
  if (serving === wanted) return { state: 'ok', message: null }
  return {
    state: serving === 0 ? 'down' : 'degraded',
    message: `${serving} of ${wanted} workers serve calls; the others are being started again`,
  }
}

function journalState({ state, counters: journal }: PlaneStatus): ServiceStatus {
  if (state === 'full')
    return { state: 'down', message: 'the disk budget (journal.limit) is used up: calls are not recorded' }
  if (state === 'lean')
    return { state: 'degraded', message: 'most of the disk budget (journal.limit) is used up: bodies are not kept' }
  if (journal.dropped > 0)
    return { state: 'degraded', message: `${journal.dropped} frames were given up while the disk took nothing` }
  if (journal.stalled) return { state: 'degraded', message: 'the disk is slow: writes go through the thread pool' }
  return { state: 'ok', message: null }
}
