import type { ConnectionEvent } from '../../delivery/fallback.ts'
import type { TelemetryRecord } from '../../records/telemetry.ts'

/** The columns of every file, in their order (contracts 2.3). */
export const columns = [
  'timestamp',
  'event_type',
  'client_ip',
  'request_id',
  'client_id',
  'soeid',
  'project_name',
  'target_service',
  'endpoint',
  'method',
  'status_code',
  'latency_ms',
  'request_size',
  'response_size',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'llm_model',
  'llm_latency',
  'additional_data',
] as const

export type Column = (typeof columns)[number]

/** Null is written as an empty cell. */
export type Row = Readonly<Record<Column, string | number | null>>

/** The row of a call: what its telemetry holds under the same names. */
export function callRow({ timestamp, event_type, client_ip, request_id, metadata }: TelemetryRecord): Row {
  return {
    timestamp,
    event_type,
    client_ip,
    request_id,
    client_id: metadata.client_id,
    soeid: metadata.soeid,
    project_name: metadata.project_name,
    target_service: metadata.target_service,
    endpoint: metadata.endpoint,
    method: metadata.method,
    status_code: metadata.status_code,
    latency_ms: metadata.latency_ms,
    request_size: metadata.request_size,
    response_size: metadata.response_size,
    prompt_tokens: metadata.prompt_tokens,
    completion_tokens: metadata.completion_tokens,
    total_tokens: metadata.total_tokens,
    llm_model: metadata.llm_model,
    llm_latency: metadata.llm_latency,
    additional_data: metadata.additional_data && JSON.stringify(metadata.additional_data),
  }
}

export function connectionRow({ atMs, event, status, details }: ConnectionEvent): Row {
  return {
    timestamp: new Date(atMs).toISOString(),
    event_type: `${connectionPrefix}${event}`,
    client_ip: null,
    request_id: `conn_${atMs}`,
    client_id: 'system',
    soeid: null,
    project_name: null,
    target_service: 'database',
    endpoint: 'connection',
    method: 'SYSTEM',
    status_code: status === 'success' ? 200 : 500,
    latency_ms: 0,
    request_size: null,
    response_size: null,
    prompt_tokens: null,
    completion_tokens: null,
    total_tokens: null,
    llm_model: null,
    llm_latency: null,
    additional_data: JSON.stringify(details),
  }
}

export const connectionPrefix = 'connection_'
