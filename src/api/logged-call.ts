import { type BodyLimits, bodyValue } from '../formats/body-value.ts'
import { type OtelLog, otelLog } from '../records/otel-log.ts'
import type { RunDetail } from '../stores/store.ts'

/** A call as a log document of OpenTelemetry's shape, from its record and the bytes that are kept of it. */
export function loggedCall(
  { telemetry, run }: RunDetail,
  requestBytes: Uint8Array | null,
  responseBytes: Uint8Array | null,
  environment: string,
  limits: BodyLimits = {},
): OtelLog {
  const value = (bytes: Uint8Array | null, { size, content_type, content_encoding }: typeof run.request_body) =>
    bodyValue({ bytes, size, contentType: content_type, contentEncoding: content_encoding }, limits)
  return otelLog(
    {
      telemetry,
      run,
      request: value(requestBytes, run.request_body),
      response: value(responseBytes, run.response_body),
    },
    environment,
  )
}
