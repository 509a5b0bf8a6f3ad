import type { Exchange, HeaderPairs } from '../records/exchange.ts'
import { isObject, objectOf, parseJson, stringAt } from '../records/json.ts'
import { type Format, noFacts, type RequestFacts } from './decoder.ts'
import { type Content, contentLimitBytes, decodeContent } from './framing/content-coding.ts'
import { firstBytes, readJson, textOf } from './framing/json.ts'
import { formBody, formBoundary, readForm } from './framing/multipart.ts'
import { rareParameters } from './rare-parameters.ts'

export interface ReadRequest {
  facts: RequestFacts
  content: Content
  /** The whole body was read, as JSON or as a form: what it does not say, it does not say. */
  whole: boolean
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
    return { facts, content, whole: false, notes }
  }
  if (!startsAsJson(content)) {
    const contentType = headerOf(open.requestHeaders, 'content-type')
    const boundary = format?.takesForms ? formBoundary(contentType) : null
    if (format && boundary !== null) {
      const form = readForm(content.pieces, boundary)
      const whole = content.whole && form.complete
      return { content, whole, notes, ...factsOf(format, formBody(form), notes) }
    }
    const malformed = format !== null && !isMultipart(contentType)
    return { facts: malformed ? format.readRequest(null) : noFacts, content, whole: false, notes }
  }
  const { value, partial } = readJson(content.pieces, contentLimitBytes)
  if (partial) notes.push('request: too large to be read whole, only its first and last fields were')
  const body = value === null ? null : bounded(withExactSeed(value.value, content), notes)
  const whole = value !== null && !partial
  return { content, whole, notes, ...(format ? factsOf(format, body, notes) : { facts: generalFacts(body) }) }
}

/** A format's facts of a body. One that it fails over was not read whole. */
function factsOf(format: Format, body: unknown, notes: string[]): Pick<ReadRequest, 'facts'> & { whole?: false } {
  try {
    const facts = format.readRequest(body)
    return { facts: { ...facts, parameters: { ...rareParameters(body), ...facts.parameters } } }
  } catch (error) {
    notes.push(`request: ${format.id} could not read it: ${String(error).slice(0, 200)}`)
    return { facts: { ...generalFacts(body), malformed: true }, whole: false }
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

const isMultipart = (contentType: string | null): boolean =>
  (contentType ?? '').trimStart().toLowerCase().startsWith('multipart/')

/** A seed may be any 64-bit number; one that a double cannot hold is kept as its digits. */
function withExactSeed(body: unknown, content: Content): unknown {
  const seed = objectOf(body).seed
  if (typeof seed !== 'number' || Number.isSafeInteger(seed) || content.pieces.length === 0) return body
  const digits = /"seed"\s*:\s*(-?\d{16,20})\s*[,}]/.exec(textOf(content.pieces))?.[1]
  return digits && parseJson(digits)?.value === seed ? { ...objectOf(body), seed: digits } : body
}
