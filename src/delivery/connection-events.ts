import type { Clock } from '../lib/clock.ts'
import { type ConnectionEvent, connectionEvent } from '../records/connection-log.ts'
import type { SinkState } from './sink-status.ts'

/** Makes events of a sink's states: the first that it took something, each loss once, each return. */
export function connectionEvents(
  sink: string,
  clock: Pick<Clock, 'wall'>,
  add: (event: ConnectionEvent) => void,
): (state: SinkState) => void {
  let reached = false
  let failing = false
  let sinceMs = 0
  return ({ state, code, since_ms }) => {
    const nowMs = clock.wall()
    const tell = (type: ConnectionEvent['event_type'], message: string, more: ConnectionEvent['metadata'] = {}) =>
      add(connectionEvent(nowMs, type, message, { database: sink, ...more }))
    if (state === 'ok') {
      if (!reached) tell('database_connected', `${sink} takes records`)
      else if (failing)
        tell('database_reconnected', `${sink} takes records again`, { away_ms: Math.max(0, nowMs - sinceMs) })
      reached = true
      failing = false
    } else if (!failing) {
      failing = true
      sinceMs = since_ms ?? nowMs
      if (reached) tell('database_lost', `${sink} takes nothing; records wait in the embedded database`, { code })
      else
        tell('database_connection_failed', `${sink} cannot be reached; records wait in the embedded database`, { code })
    }
  }
}
