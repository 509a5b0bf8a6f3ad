/** Where a JSON value ends, without parsing it. */
export interface ElementEnd {
  /** Index after its last byte; null: it is broken, or goes on beyond these bytes. */
  end: number | null
  /** Bytes that were looked at. */
  looked: number
}

const quote = 0x22
const backslash = 0x5c
const lineFeed = 0x0a
const brace = { open: 0x7b, close: 0x7d }
const bracket = { open: 0x5b, close: 0x5d }

/**
 * Finds the end of the value that starts here. It is broken as soon as a bracket closes another one, or a line ends inside a
 * string: neither can stand in JSON, and whoever reads on at the next line then loses this value only.
 */
export function elementEnd(bytes: Uint8Array, start: number): ElementEnd {
  const first = bytes[start]!
  const container = first === brace.open || first === bracket.open
  const find = container ? containerEnd : first === quote ? stringEnd : scalarEnd
  const found = find(bytes, start)
  return found > 0 ? { end: found, looked: found - start } : { end: null, looked: -found - start }
}

/** Index after the closing bracket, or the negative index of the byte where it broke. */
function containerEnd(bytes: Uint8Array, start: number): number {
  const open: number[] = []
  for (let place = start; place < bytes.length; ) {
    const byte = bytes[place]!
    if (byte === quote) {
      const end = stringEnd(bytes, place)
      if (end < 0) return end
      place = end
      continue
    }
    place++
    if (byte === brace.open) open.push(brace.close)
    else if (byte === bracket.open) open.push(bracket.close)
    else if (byte === brace.close || byte === bracket.close) {
      if (open.pop() !== byte) return -place
      if (open.length === 0) return place
    }
  }
  return -bytes.length
}

function stringEnd(bytes: Uint8Array, start: number): number {
  for (let place = start + 1; place < bytes.length; place++) {
    const byte = bytes[place]
    if (byte === backslash) place++
    else if (byte === quote) return place + 1
    else if (byte === lineFeed) return -place
  }
  return -bytes.length
}

/** A number or a word. */
function scalarEnd(bytes: Uint8Array, start: number): number {
  let place = start
  while (place < bytes.length && !ends.has(bytes[place]!)) place++
  return place > start ? place : -(start + 1)
}

const ends: ReadonlySet<number> = new Set([...' \t\r\n,]}[{"'].map((character) => character.charCodeAt(0)))
