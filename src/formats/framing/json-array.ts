import type { Piece } from '../../records/exchange.ts'
import { parseJson } from '../../records/json.ts'
import { byteRuns } from './byte-runs.ts'
import { elementEnd } from './json-element.ts'
import { emptyReading, eventLimit, type Reading, type Receiver } from './reading.ts'

export interface ArrayReading extends Reading {
  /** The array's own end was seen. */
  closed: boolean
}

/** Passes over the elements that nobody can read may look at the same bytes again, but only so often. */
const looksPerByte = 4

/**
 * Reads a JSON array whose elements are the events of a stream (wire-formats 2.4). Each has the time of the piece that holds its
 * last byte. An element that cannot be read is passed over up to the next line that begins with a comma, which is how the
 * elements are told apart on the wire; one that the message's end tore (`clean` false) does not count.
 */
export function readJsonArray(
  pieces: readonly Piece[],
  clean: boolean,
  receiver: Receiver,
  limit = eventLimit,
): ArrayReading {
  const reading: ArrayReading = { ...emptyReading(), closed: false }
  const runs = byteRuns(pieces)
  let looksLeft = looksPerByte * runs.reduce((sum, { bytes }) => sum + bytes.length, 0)

  for (const run of runs) {
    const { bytes } = run
    const mayBeTorn = !clean || run !== runs.at(-1)
    if (run.offset > 0) reading.gaps++
    let place = run.offset > 0 ? nextLine(bytes, 0) : bytes.indexOf(open) + 1
    for (place = skip(bytes, place); place < bytes.length; place = skip(bytes, place)) {
      if (bytes[place] === close) {
        reading.closed = true
        place++
        continue
      }
      const { end, looked } = elementEnd(bytes, place)
      looksLeft -= looked
      const next = end ?? (looksLeft > 0 ? nextLine(bytes, place) : bytes.length)
      const element = end === null || end - place > limit ? null : parseJson(utf8.decode(bytes.subarray(place, end)))
      if (end !== null && end - place > limit) reading.tooLarge++
      else if (element) {
        reading.events++
        if (element.value !== null) receiver.value(element.value, run.atMs(next - 1), null)
      } else if (end !== null || next < bytes.length || !mayBeTorn) {
        reading.events++
        reading.badEvents++
      }
      place = next
    }
  }
  return reading
}

const open = 0x5b
const close = 0x5d

/** Index after the next line break with a comma behind it, or the end. */
function nextLine(bytes: Buffer, from: number): number {
  const found = bytes.indexOf('\n,', from)
  return found === -1 ? bytes.length : found + 2
}

/** Past white space and the commas between elements. */
function skip(bytes: Buffer, from: number): number {
  let place = from
  while (place < bytes.length && between.has(bytes[place]!)) place++
  return place
}

const between: ReadonlySet<number> = new Set([...' \t\r\n,'].map((character) => character.charCodeAt(0)))
const utf8 = new TextDecoder()
