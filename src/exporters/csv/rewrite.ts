import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse/sync'
import type { Purge } from '../../records/purge.ts'
import { columns, connectionPrefix } from './columns.ts'
import { textOfCell } from './text.ts'

/** A piece of a file: whole rows, as they stand there, with what a purge takes left out. */
export interface Rest {
  bytes: Buffer
  /** Rows that are left, without the header. */
  rows: number
  removed: number
}

/** Goes through the valid part of a file of ours, in pieces. */
export async function* restOf(path: string, length: number, purge: Purge): AsyncGenerator<Rest> {
  let open: Buffer[] = []
  let isHeader = true
  let quoted = false
  const source = length === 0 ? [] : createReadStream(path, { end: length - 1, highWaterMark: pieceBytes })
  for await (const piece of source as AsyncIterable<Buffer>) {
    const rest: Rest = { bytes: Buffer.alloc(0), rows: 0, removed: 0 }
    const kept: Buffer[] = []
    let begin = 0
    for (let at = 0; at < piece.length; at++) {
      if (piece[at] === quote) quoted = !quoted
      if (piece[at] !== lineFeed || quoted) continue
      const row = Buffer.concat([...open, piece.subarray(begin, at + 1)])
      open = []
      begin = at + 1
      if (isHeader) kept.push(row)
      else if (isMeant(row, purge)) rest.removed++
      else {
        rest.rows++
        kept.push(row)
      }
      isHeader = false
    }
    open.push(piece.subarray(begin))
    yield { ...rest, bytes: Buffer.concat(kept) }
  }
  const bytes = Buffer.concat(open)
  if (bytes.length > 0) throw new Error(`${path} ends within a row`)
}

const pieceBytes = 64 * 1024
const quote = 0x22
const lineFeed = 0x0a
const [timestampAt, typeAt, projectAt, userAt] = (['timestamp', 'event_type', 'client_id', 'soeid'] as const).map(
  (name) => columns.indexOf(name),
) as [number, number, number, number]

function isMeant(row: Buffer, { project, user, boundMs }: Purge): boolean {
  // a name without quotes stands in the row as it is: most rows need not be taken apart
  if ([project, user].some((name) => name !== null && !name.includes('"') && !row.includes(name))) return false
  const [cells = []] = parse(row, { record_delimiter: '\r\n' }) as string[][]
  if (!(Date.parse(cells[timestampAt] ?? '') < boundMs)) return false
  if (project === null && user === null) return true
  if (cells[typeAt]?.startsWith(connectionPrefix)) return false // no call's, whatever it is named
  const is = (at: number, name: string | null): boolean => name === null || textOfCell(cells[at] ?? '') === name
  return is(projectAt, project) && is(userAt, user)
}
