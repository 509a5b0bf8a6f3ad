import type { HeaderPairs } from '../../records/exchange.ts'
import type { BodyFacts, RunRecord } from '../../records/llm-run.ts'
import type { StoredRecord } from '../../records/stored.ts'
import type { TelemetryMetadata, TelemetryRecord } from '../../records/telemetry.ts'
import { factsOf } from '../rollups/facts.ts'
import { bytesIn, type Document, type Driver } from './driver.ts'
import { documentLimit, fitted } from './fitted.ts'
import { restored, storable } from './safe-values.ts'

/** A record as the two documents that are stored of it, both under its id. */
export interface RecordDocuments {
  telemetry: Document
  run: Document
  /** Of both together; where the record says how large it is, what it says. */
  bytes: number
}

/**
 * Times are dates, money is a long of 10⁻¹² dollars, bytes are binary, and `derived` holds what questions filter by and
 * rollups need. Throws for a record that no document can hold.
 */
export function documentsOf(driver: Driver, record: StoredRecord): RecordDocuments {
  const facts = factsOf(record)
  const { timestamp_ms, metadata, ...call } = record.telemetry
  const telemetry: Document = {
    ...call,
    timestamp: new Date(timestamp_ms),
    metadata: { ...plainFields(metadata), cost_picodollars: money(driver, facts.picodollars) },
    derived: {
      model_call: facts.modelCall,
      error: facts.error,
      total_tokens: facts.totalTokens,
      inter_token_histogram: new driver.Binary(facts.gaps),
    },
  }
  const { timestamp_ms: _, request_headers, response_headers, ...said } = record.run
  const binary = (bytes: Uint8Array | null) => (bytes === null ? null : new driver.Binary(bytes))
  const run: Document = {
    ...plainFields(said),
    timestamp: new Date(record.run.timestamp_ms),
    request_headers: request_headers.map(([name, value]) => ({ name, value })),
    response_headers: response_headers.map(([name, value]) => ({ name, value })),
    request_bytes: binary(record.requestBytes),
    response_bytes: binary(record.responseBytes),
    chunk_times: binary(record.chunkTimes),
  }
  const { keptBytes } = record
  if (keptBytes !== undefined && keptBytes * mostGrowth < documentLimit) return { telemetry, run, bytes: keptBytes }
  const { document, bytes } = fitted(driver, run)
  return { telemetry, run: document, bytes: bytes + driver.BSON.calculateObjectSize(telemetry) }
}

/** A document takes at most so many times the bytes of its JSON: a list of digits takes six. */
export const mostGrowth = 8

export function telemetryFrom(document: Document): TelemetryRecord {
  const { derived: _, timestamp, metadata, ...call } = document
  return {
    ...call,
    ...momentOf(timestamp),
    metadata: { ...(restored(metadata) as TelemetryMetadata), cost_picodollars: moneyText(metadata) },
  } as TelemetryRecord
}

export function runFrom(document: Document): RunRecord {
  const { timestamp, request_headers, response_headers, document_cut: _, ...said } = document
  for (const name of byteFields) delete said[name]
  return {
    ...(restored(said) as object),
    ...momentOf(timestamp),
    request_headers: pairs(request_headers),
    response_headers: pairs(response_headers),
  } as RunRecord
}

const byteFields = ['request_bytes', 'response_bytes', 'chunk_times'] as const

export const bodyOf = (
  document: Document,
  side: 'request' | 'response',
): { bytes: Uint8Array; facts: BodyFacts } | null => {
  const bytes = bytesIn(document[`${side}_bytes`])
  return bytes === null ? null : { bytes, facts: document[`${side}_body`] as BodyFacts }
}

/** Money in documents is a long, which the driver hands over as a number where that is exact. */
export const moneyText = (metadata: Document): string | null =>
  metadata.cost_picodollars === null || metadata.cost_picodollars === undefined
    ? null
    : String(metadata.cost_picodollars)

/** Beyond nine million dollars for one call a text has to do. */
function money(driver: Driver, picodollars: bigint | null): unknown {
  if (picodollars === null) return null
  return picodollars < 2n ** 63n ? driver.Long.fromBigInt(picodollars) : picodollars.toString()
}

/** Our own field names need no care, and most of our fields are plain values: a copy in one piece is the fastest. */
function plainFields(record: object): Document {
  const document: Document = { ...record }
  for (const name of Object.keys(document)) {
    const value: unknown = document[name]
    if (typeof value === 'object' || typeof value === 'number') document[name] = storable(value)
    else if (value === undefined) delete document[name]
  }
  return document
}

function momentOf(timestamp: unknown): { timestamp: string; timestamp_ms: number } {
  if (!(timestamp instanceof Date)) throw new TypeError('a document of ours has no date')
  return { timestamp: timestamp.toISOString(), timestamp_ms: timestamp.getTime() }
}

const pairs = (headers: unknown): HeaderPairs =>
  Array.isArray(headers) ? headers.map(({ name, value }: Document) => [String(name), String(value)]) : []
