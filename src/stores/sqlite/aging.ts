import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { RunRecord } from '../../records/llm-run.ts'
import { withoutWords } from '../without-words.ts'
import { byteColumns, eraser } from './erase.ts'
import { keeping } from './record-rows.ts'
import type { Taken } from './taken.ts'

/** Goes once through records by their age, the oldest first, and takes something from those that nobody else needs. */
export interface Aging {
  /** Goes on until the moment of `performance.now()`, or until `isEnough`; at least one record. How many lost something. */
  step(untilMs: number, isEnough?: () => boolean): number
  isDone(): boolean
}

/** Takes the raw bytes of requests and answers, and the times of their pieces. */
export function bodiesAging(database: DatabaseSync, beforeMs: number, taken: Taken): Aging {
  const facts = (side: 'request' | 'response') =>
    `'$.${side}_body.kept', 0, '$.${side}_body.truncated',
     json(iif(coalesce(run ->> '$.${side}_body.size', 0) > 0, 'true', 'false'))`
  const forget = database.prepare(
    `UPDATE documents SET ${noBytes},
       run = iif(json_valid(run), json_set(run, ${facts('request')}, ${facts('response')}), run) WHERE seq = ?`,
  )
  const keep = database.prepare(`UPDATE telemetry SET keeps = ${keeping.words} WHERE seq = ?`)
  return aging(
    database,
    [keeping.bodies],
    beforeMs,
    (seq, { documents }) => {
      if (seq > documents || taken.isQuarantined(seq)) return false
      keep.run(seq)
      return forget.run(seq).changes > 0
    },
    taken,
  )
}

/** Takes what was said: texts, messages, headers, and the bytes with them. */
export function wordsAging(database: DatabaseSync, beforeMs: number, taken: Taken): Aging {
  const find = database.prepare('SELECT run FROM documents WHERE seq = ?')
  const forget = database.prepare(
    `UPDATE documents SET ${noBytes}, prompt = NULL, completion = NULL, run = ? WHERE seq = ?`,
  )
  const keep = database.prepare(`UPDATE telemetry SET keeps = ${keeping.numbers} WHERE seq = ?`)
  return aging(
    database,
    [keeping.bodies, keeping.words],
    beforeMs,
    (seq, { documents }) => {
      if (seq > documents || taken.isQuarantined(seq)) return false
      keep.run(seq)
      const row = find.get(seq)
      return row !== undefined && forget.run(bareRun(row.run), seq).changes > 0
    },
    taken,
  )
}

/** Takes records whole. */
export function recordsAging(database: DatabaseSync, beforeMs: number, taken: Taken): Aging {
  const erase = eraser(database)
  const step = aging(
    database,
    null,
    beforeMs,
    (seq, { records }) => {
      if (seq > records || taken.isQuarantined(seq)) return false
      return erase.erase(seq).record
    },
    taken,
  )
  return {
    isDone: step.isDone,
    step(untilMs, isEnough) {
      const gone = step.step(untilMs, isEnough)
      erase.settle()
      return gone
    },
  }
}

const noBytes = byteColumns.map((name) => `${name} = NULL`).join(', ')

function bareRun(run: SQLOutputValue | undefined): string {
  try {
    const { prompt: _, completion: __, ...bare } = withoutWords(JSON.parse(String(run)) as RunRecord)
    return JSON.stringify(bare)
  } catch {
    return '{}' // nobody could read it before either
  }
}

/** `keeps`: only records that still keep this, by an index of its own; null: all of them. */
function aging(
  database: DatabaseSync,
  keeps: readonly number[] | null,
  beforeMs: number,
  take: (seq: number, places: ReturnType<Taken['places']>) => boolean,
  taken: Taken,
): Aging {
  const page = database.prepare(
    `SELECT seq, timestamp_ms FROM telemetry WHERE ${keeps === null ? '?1 IS NULL' : 'keeps > 0 AND keeps = ?1'}
     AND timestamp_ms < ?2 AND (timestamp_ms, seq) > (?3, ?4) ORDER BY timestamp_ms, seq LIMIT ${pageRows}`,
  )
  const left: (number | null)[] = keeps === null ? [null] : [...keeps]
  let rows: Record<string, SQLOutputValue>[] = []
  let last: readonly [number, number] = start

  const next = (): number | null => {
    while (rows.length === 0) {
      const [which] = left
      if (which === undefined) return null
      rows = page.all(which, beforeMs, ...last)
      if (rows.length > 0) break
      left.shift()
      last = start
    }
    const row = rows.shift()!
    last = [Number(row.timestamp_ms), Number(row.seq)]
    return last[1]
  }

  return {
    isDone: () => left.length === 0,
    step(untilMs, isEnough = () => false) {
      const places = taken.places()
      let count = 0
      do {
        const seq = next()
        if (seq === null) break
        if (take(seq, places)) count++
      } while (performance.now() < untilMs && !isEnough())
      return count
    },
  }
}

const start = [-1, -1] as const
const pageRows = 200
