import type { Piece } from '../../records/exchange.ts'
import { parseJson } from '../../records/json.ts'
import { emptyReading, eventLimit, type Reading, type Receiver } from './reading.ts'

/**
 * Reads one JSON value per line. Bytes are gathered up to 0x0A and decoded by whole lines, so no character is ever split. The
 * last line may lack its end: after a cut (`clean` false) it counts only when it is complete JSON.
 */
export function readNdjson(pieces: Iterable<Piece>, clean: boolean, receiver: Receiver, limit = eventLimit): Reading {
  const reading = emptyReading()
  let parts: Uint8Array[] = []
  let size = 0
  let skipping = false
  let expected = 0
  let lastAtMs = 0

  const line = (atMs: number, doubtful: boolean): void => {
    const text = skipping ? '' : lineText(parts)
    if (text !== '') {
      const parsed = parseJson(text)
      if (parsed !== null || !doubtful) reading.events++
      if (parsed === null) reading.badEvents += doubtful ? 0 : 1
      else if (parsed.value !== null) receiver.value(parsed.value, atMs, null)
    }
    parts = []
    size = 0
    skipping = false
  }
  const gather = (bytes: Uint8Array): void => {
    if (skipping || bytes.length === 0) return
    size += bytes.length
    parts.push(bytes)
    if (size <= limit) return
    reading.tooLarge++
    parts = []
    skipping = true
  }

  for (const { offset, atMs, bytes } of pieces) {
    if (offset !== expected) {
      reading.gaps++
      line(lastAtMs, true)
      skipping = true
    }
    let start = 0
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      gather(bytes.subarray(start, end))
      line(atMs, false)
      start = end + 1
    }
    gather(bytes.subarray(start))
    expected = offset + bytes.length
    lastAtMs = atMs
  }
  line(lastAtMs, !clean)
  return reading
}

/** Without the byte order mark, the record separator of RFC 7464 and white space around. */
function lineText(parts: readonly Uint8Array[]): string {
  const text = utf8.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts)).trim()
  return text.startsWith('\u001e') ? text.slice(1).trim() : text
}

const utf8 = new TextDecoder()
