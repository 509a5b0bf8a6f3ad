import type { Piece } from '../../records/exchange.ts'

/** One part of a form: a field with its text, or a file of which only the facts are kept. */
export interface FormPart {
  name: string
  file: FormFile | null
  /** Text of a field; empty for a file. */
  text: string
}

export interface FormFile {
  name: string | null
  type: string | null
  bytes: number
}

export interface Form {
  parts: readonly FormPart[]
  /** The closing delimiter was there. */
  complete: boolean
}

const limits = { parts: 1024, headBytes: 16 << 10, textBytes: 1 << 20 }

/** The boundary of a `multipart/form-data` body (RFC 7578), or null for any other type. */
export function formBoundary(contentType: string | null): string | null {
  if (!/^\s*multipart\/form-data\b/i.test(contentType ?? '')) return null
  const found = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType ?? '')
  return found?.[1] ?? found?.[2] ?? null
}

/**
 * Reads the fields of a form, in whatever order they stand. The middle of a body may be missing: what is missing lies in a file,
 * whose length is told by where the next part begins.
 */
export function readForm(pieces: readonly Piece[], boundary: string): Form {
  const delimiter = Buffer.from(`\n--${boundary}`, 'latin1')
  const parts: FormPart[] = []
  let open: OpenPart | null = null
  let complete = false
  for (const { bytes, offset } of runsOf(pieces)) {
    for (let found = bytes.indexOf(delimiter); found !== -1; ) {
      const end = bytes[found - 1] === 0x0d ? found - 1 : found
      if (open) parts.push(closed(open, bytes, offset, end))
      const after = found + delimiter.length
      complete = bytes[after] === 0x2d && bytes[after + 1] === 0x2d
      open = complete ? null : opened(bytes, offset, after)
      found = complete || parts.length >= limits.parts ? -1 : bytes.indexOf(delimiter, after)
    }
    // a field whose end is missing says nothing that can be relied on
    if (open?.file === null) open = null
  }
  return { parts, complete }
}

interface OpenPart {
  name: string
  file: { name: string | null; type: string | null } | null
  /** Where its content begins in the whole body. */
  start: number
}

/** The part whose header lines begin after a delimiter, or null when they end nowhere near. */
function opened(bytes: Buffer, offset: number, after: number): OpenPart | null {
  const text = bytes.subarray(after, after + limits.headBytes).toString('latin1')
  const match = /\r?\n\r?\n/.exec(text)
  if (!match) return null
  const head = Buffer.from(text.slice(0, match.index), 'latin1').toString('utf8')
  const disposition = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? ''
  const type = /^content-type:\s*([^\r\n;]+)/im.exec(head)?.[1]?.trim() ?? null
  const fileName = parameter(disposition, 'filename')
  const isFile = fileName !== null || (type !== null && !/^(text\/|application\/json)/i.test(type))
  return {
    name: parameter(disposition, 'name') ?? '',
    file: isFile ? { name: fileName, type } : null,
    start: offset + after + match.index + match[0].length,
  }
}

function closed(part: OpenPart, bytes: Buffer, offset: number, end: number): FormPart {
  const size = Math.max(0, offset + end - part.start)
  if (part.file) return { name: part.name, file: { ...part.file, bytes: size }, text: '' }
  const start = part.start - offset
  return {
    name: part.name,
    file: null,
    text: bytes.subarray(start, Math.min(end, start + limits.textBytes)).toString('utf8'),
  }
}

/** A parameter of a header line, quoted or not; browsers write a quote inside as `%22`, others as `\"`. */
function parameter(line: string, name: string): string | null {
  const found = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i').exec(line)
  if (!found) return null
  return found[2] ?? found[1]!.replace(/\\(.)/g, '$1').replaceAll('%22', '"')
}

/** The pieces joined wherever no bytes are missing between them; a line end stands before the first, as before every delimiter. */
function runsOf(pieces: readonly Piece[]): { offset: number; bytes: Buffer }[] {
  const runs: { offset: number; end: number; parts: Uint8Array[] }[] = [{ offset: -1, end: 0, parts: [lineEnd] }]
  for (const { offset, bytes } of pieces) {
    const last = runs.at(-1)!
    if (last.end === offset) {
      last.parts.push(bytes)
      last.end += bytes.length
    } else runs.push({ offset, end: offset + bytes.length, parts: [bytes] })
  }
  return runs.map(({ offset, parts }) => ({ offset, bytes: Buffer.concat(parts) }))
}

const lineEnd = Buffer.from('\n')

/** The form as a JSON body would say it: fields as text, files as their facts, `name[]` and repeated names as lists. */
export function formBody({ parts }: Form): { readonly [name: string]: unknown } {
  const fields = new Map<string, unknown>()
  for (const { name, file, text } of parts) {
    const isList = name.endsWith('[]')
    const key = isList ? name.slice(0, -2) : name
    const value: unknown = file ?? text
    const known = fields.get(key)
    if (known === undefined) fields.set(key, isList ? [value] : value)
    else fields.set(key, Array.isArray(known) ? [...known, value] : [known, value])
  }
  return Object.fromEntries(fields)
}
