import type { Exchange, HeaderPairs } from '../records/exchange.ts'
import { isObject, objectOf, parseJson, stringAt } from '../records/json.ts'
import { type Format, noFacts, type RequestFacts } from './decoder.ts'
import { type Content, contentLimitBytes, decodeContent } from './framing/content-coding.ts'
import { firstBytes, readJson, textOf } from './framing/json.ts'

export interface ReadRequest {
  facts: RequestFacts
  content: Content
  notes: readonly string[]
}

/** Reads the facts out of a request's body: JSON by its first byte, whatever its content type says (wire-formats 2.1). */
export function readRequest(exchange: Exchange, format: Format | null): ReadRequest {
  const { open, request } = exchange
  const content = decodeContent(request, headerOf(open.requestHeaders, 'content-encoding'))
  const notes = content.notes.map((note) => `request: ${note}`)
  if (content.pieces.length === 0) {
    const missing = request.size > 0 || content.coded
    const facts = format ? { ...format.readRequest(null), malformed: !missing } : noFacts
    return { facts, content, notes }
  }
  if (!startsAsJson(content)) {
    const malformed = format !== null && !isMultipart(open.requestHeaders)
    return { facts: malformed ? format.readRequest(null) : noFacts, content, notes }
  }
  const { value, partial } = readJson(content.pieces, contentLimitBytes)
  if (partial) notes.push('request: too large to be read whole, only its first and last fields were')
  const body = value === null ? null : bounded(withExactSeed(value.value, content), notes)
  if (!format) return { facts: generalFacts(body), content, notes }
  try {
    return { facts: format.readRequest(body), content, notes }
  } catch (error) {
    notes.push(`request: ${format.id} could not read it: ${String(error).slice(0, 200)}`)
    return { facts: { ...generalFacts(body), malformed: true }, content, notes }
  }
}

/** The last value of a header, or null. */
function headerOf(headers: HeaderPairs, name: string): string | null {
  const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? null : values.join(', ')
}

/** Calls without a format: what nearly every API names alike. */
function generalFacts(body: unknown): RequestFacts {
  return { ...noFacts, model: stringAt(body, 'model'), stream: objectOf(body).stream === true }
}

/** A few MB can hold millions of empty messages, each of which would be made into a record's part of a hundred bytes. */
function bounded(body: unknown, notes: string[]): unknown {
  if (!isObject(body)) return body
  const long = Object.entries(body).filter(
    (entry): entry is [string, unknown[]] =>
      Array.isArray(entry[1]) && entry[1].length > itemLimit && typeof entry[1][0] !== 'number',
  )
  if (long.length === 0) return body
  for (const [name, items] of long)
    notes.push(`request: only the first ${itemLimit} of the ${items.length} items of "${name.slice(0, 60)}" were read`)
  return { ...body, ...Object.fromEntries(long.map(([name, items]) => [name, items.slice(0, itemLimit)])) }
}

const itemLimit = 10_000

const startsAsJson = (content: Content): boolean => /^\ufeff?\s*[{[]/.test(textOf(firstBytes(content.pieces, 1024)))

const isMultipart = (headers: HeaderPairs): boolean =>
  (headerOf(headers, 'content-type') ?? '').toLowerCase().startsWith('multipart/')

/** A seed may be any 64-bit number; one that a double cannot hold is kept as its digits. */
function withExactSeed(body: unknown, content: Content): unknown {
  const seed = objectOf(body).seed
  if (typeof seed !== 'number' || Number.isSafeInteger(seed) || content.pieces.length === 0) return body
  const digits = /"seed"\s*:\s*(-?\d{16,20})\s*[,}]/.exec(textOf(content.pieces))?.[1]
  return digits && parseJson(digits)?.value === seed ? { ...objectOf(body), seed: digits } : body
}
