import { plainBytes, timesOfPieces } from '../kept-bytes.ts'
import type { RunDetail, StoredBody } from '../store.ts'
import { bodyOf, runFrom, telemetryFrom } from './documents.ts'
import { bytesIn, type Db, type Document } from './driver.ts'
import { equal } from './filters.ts'
import type { Patience } from './usage.ts'

/** One call with everything said; null when there is none of that id in the project. */
export async function runDetail(
  db: Db,
  project: string | null,
  id: string,
  patience: Patience,
): Promise<RunDetail | null> {
  const call = await db.collection('telemetry').findOne(equal({ _id: id, 'metadata.project_id': project }), patience)
  if (call === null) return null
  const run = await db.collection('llm_runs').findOne(equal({ _id: id, project_id: project }), {
    projection: { request_bytes: 0, response_bytes: 0 },
    ...patience,
  })
  if (run === null) return null
  const times = bytesIn(run.chunk_times)
  return {
    telemetry: telemetryFrom(call),
    run: runFrom(run),
    chunkTimes: times === null ? null : timesOfPieces(times),
  }
}

/** The kept bytes of one side as they were on the wire. */
export async function runBody(
  db: Db,
  project: string | null,
  id: string,
  side: 'request' | 'response',
  patience: Patience,
): Promise<StoredBody | null> {
  const run: Document | null = await db.collection('llm_runs').findOne(equal({ _id: id, project_id: project }), {
    projection: { [`${side}_bytes`]: 1, [`${side}_body`]: 1 },
    ...patience,
  })
  const body = run === null ? null : bodyOf(run, side)
  if (body === null) return null
  const { bytes, facts } = body
  return {
    bytes: plainBytes(bytes, facts),
    truncated: facts.truncated,
    contentType: facts.content_type,
    contentEncoding: facts.content_encoding,
  }
}
