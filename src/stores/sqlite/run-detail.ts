import type { DatabaseSync } from 'node:sqlite'
import type { RunRecord } from '../../records/llm-run.ts'
import type { TelemetryRecord } from '../../records/telemetry.ts'
import { plainBytes, timesOfPieces } from '../kept-bytes.ts'
import type { RunDetail, StoredBody } from '../store.ts'

/** One call with everything said; null when there is none of that id in the project. */
export function runDetail(database: DatabaseSync, project: string | null, id: string): RunDetail | null {
  const row = database
    .prepare(
      `SELECT documents.telemetry, prompt, completion, run, chunk_times
       FROM telemetry JOIN documents USING (seq) WHERE id = ?1 AND (?2 IS NULL OR project = ?2)`,
    )
    .get(id, project)
  if (row === undefined) return null
  return {
    telemetry: JSON.parse(String(row.telemetry)) as TelemetryRecord,
    run: { ...JSON.parse(String(row.run)), prompt: row.prompt, completion: row.completion } as RunRecord,
    chunkTimes: row.chunk_times instanceof Uint8Array ? timesOfPieces(row.chunk_times) : null,
  }
}

/** The kept bytes of one side as they were on the wire. */
export function runBody(
  database: DatabaseSync,
  project: string | null,
  id: string,
  side: 'request' | 'response',
): StoredBody | null {
  const row = database
    .prepare(
      `SELECT run, documents.${side}_bytes AS bytes
       FROM telemetry JOIN documents USING (seq) WHERE id = ?1 AND (?2 IS NULL OR project = ?2)`,
    )
    .get(id, project)
  if (row === undefined || !(row.bytes instanceof Uint8Array)) return null
  const facts = (JSON.parse(String(row.run)) as RunRecord)[`${side}_body`]
  return {
    bytes: plainBytes(row.bytes, facts),
    truncated: facts.truncated,
    contentType: facts.content_type,
    contentEncoding: facts.content_encoding,
  }
}
