import { newId } from '../lib/id.ts'

/** What happened to this instance and its databases: one document of the collection `connection_logs` (contracts 2.2). */
export interface ConnectionEvent {
  _id: string
  timestamp_ms: number
  event_type: ConnectionEventType
  status: 'success' | 'error'
  message: string
  metadata: Readonly<Record<string, string | number | boolean | null>>
}

export type ConnectionEventType =
  | 'application_startup'
  | 'application_shutdown'
  | 'database_connected'
  | 'database_lost'
  | 'database_reconnected'
  | 'database_connection_failed'

/** An event of now. Of what went wrong, `status` is `error`. */
export function connectionEvent(
  atMs: number,
  event_type: ConnectionEventType,
  message: string,
  metadata: ConnectionEvent['metadata'] = {},
): ConnectionEvent {
  const status = event_type === 'database_lost' || event_type === 'database_connection_failed' ? 'error' : 'success'
  return { _id: newId(atMs), timestamp_ms: atMs, event_type, status, message, metadata }
}
