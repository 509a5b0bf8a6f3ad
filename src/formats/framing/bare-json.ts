import type { Piece } from '../../records/exchange.ts'
import { parseJson } from '../../records/json.ts'
import { lastBytes, textOf } from './json.ts'

const tailBytes = 16 << 10
const mostStarts = 8

/**
 * JSON that stands bare at the end of an event stream, from the start of a line on: so some servers say that they failed
 * (wire-formats 8.1). A reader of events sees lines of an unknown field there.
 */
export function bareJsonAtEnd(pieces: readonly Piece[]): { value: unknown } | null {
  const text = textOf(lastBytes(pieces, tailBytes))
  const starts = [...text.matchAll(/[\r\n](?=[{[])/g)].slice(0, mostStarts)
  for (const { index } of starts) {
    const parsed = parseJson(text.slice(index + 1))
    if (parsed) return parsed
  }
  return null
}
