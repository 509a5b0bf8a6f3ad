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
