import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { CallInLine, OutboxRecord } from '../../delivery/outbox.ts'
import type { RunRecord } from '../../records/llm-run.ts'
import type { StoredRecord } from '../../records/stored.ts'
import type { TelemetryRecord } from '../../records/telemetry.ts'
import { troubleOf } from './trouble.ts'

/** A row whose document cannot be read. */
export class Unreadable extends Error {
  override name = 'Unreadable'
  readonly place: number
  readonly id: string
  constructor(place: number, id: string, cause: unknown) {
    super(`the document at place ${place} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause })
    this.place = place
    this.id = id
  }
}

/** The rows of `documents` in the order in which they were stored. */
export interface DocumentRows {
  /** At least one where there is one, however large. Throws `Unreadable` when it is the first that cannot be read. */
  after(place: number, limits: DocumentLimits): OutboxRecord[]
  /** The same without what was said and the bytes. */
  callsAfter(place: number, most: number): CallInLine[]
  has(place: number): boolean
  count(after: number, upTo: number): number
  /** Deletes some that were made before `beforeMs`, the oldest first; what is in quarantine stays. */
  forget(upTo: number, beforeMs: number): number
}

export interface DocumentLimits {
  records: number
  bytes: number
  /** The last place that may come; null: the last there is. */
  upTo?: number | null
}

export function documentRows(database: DatabaseSync): DocumentRows {
  const after = database.prepare(`
    SELECT seq, documents.telemetry, prompt, completion, run, documents.request_bytes, documents.response_bytes,
      chunk_times, gaps, ${sizes} AS bytes
    FROM documents LEFT JOIN telemetry USING (seq) WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`)
  const calls = database.prepare('SELECT seq, telemetry FROM documents WHERE seq > ? ORDER BY seq LIMIT ?')
  const has = database.prepare('SELECT 1 FROM documents WHERE seq = ?')
  const next = database.prepare('SELECT seq, id FROM telemetry WHERE seq > ? ORDER BY seq LIMIT 1')
  const countCalls = database.prepare('SELECT count(*) AS rows FROM telemetry WHERE seq > ? AND seq <= ?')
  const idOf = database.prepare('SELECT id FROM telemetry WHERE seq = ?')
  const count = database.prepare('SELECT count(*) AS rows FROM documents WHERE seq > ? AND seq <= ?')
  const oldest = database.prepare(`
    SELECT documents.seq, timestamp_ms, EXISTS (SELECT 1 FROM quarantine WHERE place = documents.seq) AS kept
    FROM documents JOIN telemetry USING (seq)
    WHERE documents.seq > ? AND documents.seq <= ? ORDER BY documents.seq LIMIT ${forgottenAtOnce}`)
  const remove = database.prepare('DELETE FROM documents WHERE seq = ?')
  let looked = 0

  /** What `make` reads from a row. */
  const read = <Item>(row: Row, make: (row: Row) => Item): Item => {
    try {
      return make(row)
    } catch (error) {
      throw new Unreadable(Number(row.seq), String(idOf.get(Number(row.seq))?.id ?? ''), error)
    }
  }

  /** Where a part of the file is damaged, the list of the calls still tells which document it is. */
  const unreadable = (place: number, error: unknown): unknown => {
    if (error instanceof Unreadable || troubleOf(error) !== 'damaged') return error
    const row = next.get(place)
    return row === undefined ? error : new Unreadable(Number(row.seq), String(row.id), error)
  }

  /** The rows behind a place, as far as they fit. What was read comes first; then what cannot be read is the first. */
  const inLine = <Item>(
    place: number,
    rows: () => Iterable<Row>,
    make: (row: Row) => Item,
    fits: (row: Row, found: number) => boolean = () => true,
  ): Item[] => {
    const found: Item[] = []
    try {
      for (const row of rows()) {
        if (!fits(row, found.length)) break
        found.push(read(row, make))
      }
    } catch (error) {
      if (found.length === 0) throw unreadable(place, error)
    }
    return found
  }

  return {
    after(place, limits) {
      let bytes = 0
      const fits = (row: Row, found: number): boolean => {
        bytes += Number(row.bytes)
        return found === 0 || bytes <= limits.bytes
      }
      const upTo = limits.upTo ?? Number.MAX_SAFE_INTEGER
      return inLine(place, () => after.iterate(place, upTo, limits.records), recordIn, fits)
    },
    callsAfter: (place, most) => inLine(place, () => calls.iterate(place, most), callIn),
    has: (place) => has.get(place) !== undefined,
    count(from, upTo) {
      try {
        return Number(count.get(from, upTo)?.rows)
      } catch (error) {
        if (troubleOf(error) !== 'damaged') throw error
        return Number(countCalls.get(from, upTo)?.rows)
      }
    },
    forget(upTo, beforeMs) {
      let forgotten = 0
      for (const row of oldest.all(looked, upTo)) {
        if (Number(row.timestamp_ms) >= beforeMs) break
        looked = Number(row.seq)
        if (row.kept === 1) continue
        remove.run(looked)
        forgotten++
      }
      return forgotten
    },
  }
}

const forgottenAtOnce = 500

const sizes = ['telemetry', 'prompt', 'completion', 'run', 'request_bytes', 'response_bytes', 'chunk_times']
  .map((column) => `coalesce(octet_length(documents.${column}), 0)`)
  .join(' + ')

type Row = Record<string, SQLOutputValue>

const recordIn = (row: Row): OutboxRecord => {
  const record = recordFrom(row)
  return { place: Number(row.seq), id: record.telemetry._id, record, bytes: record.keptBytes }
}

const callIn = (row: Row): CallInLine => ({ place: Number(row.seq), record: { telemetry: telemetryIn(row) } })

const telemetryIn = ({ telemetry }: Row): TelemetryRecord => JSON.parse(String(telemetry))

const recordFrom = (row: Row): StoredRecord & { keptBytes: number } => ({
  telemetry: telemetryIn(row),
  run: { ...JSON.parse(String(row.run)), prompt: row.prompt, completion: row.completion } as RunRecord,
  requestBytes: bytesOrNull(row.request_bytes),
  responseBytes: bytesOrNull(row.response_bytes),
  chunkTimes: bytesOrNull(row.chunk_times),
  gapsMs: [],
  gaps: bytesOrNull(row.gaps) ?? new Uint8Array(0),
  keptBytes: Number(row.bytes),
})

const bytesOrNull = (value: SQLOutputValue | undefined): Uint8Array | null =>
  value instanceof Uint8Array ? value : null
