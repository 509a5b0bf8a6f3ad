import type { Body } from '../records/exchange.ts'
import { isObject, parseJson } from '../records/json.ts'
import { chooseFraming } from './framing/choose.ts'
import { contentLimitBytes, decodeContent } from './framing/content-coding.ts'
import { textOf } from './framing/json.ts'
import { readNdjson } from './framing/ndjson.ts'
import { readSse } from './framing/sse.ts'
import { placeholder } from './request-text.ts'

/** A kept body as a value for people and programs. */
export interface BodyValue {
  /** The JSON value, or the text of what is no JSON, or a placeholder for what is no text; null: nothing. */
  value: unknown
  /** The JSON values of a stream in their order, without its end marks and without empty objects; null: no stream. */
  chunks: readonly unknown[] | null
  /** Something is missing: bytes that were not kept, or values beyond a limit. */
  cut: boolean
}

export interface KeptBody {
  /** As they were on the wire. */
  bytes: Uint8Array | null
  /** Bytes that passed. */
  size: number
  contentType: string | null
  contentEncoding: string | null
}

export interface BodyLimits {
  /** Most chunks of a stream. */
  chunks?: number
  /** Most decoded bytes. */
  bytes?: number
}

/** Reads kept bytes without knowing their format. Never throws, whatever they are. */
export function bodyValue({ bytes, size, contentType, contentEncoding }: KeptBody, limits: BodyLimits = {}): BodyValue {
  const { chunks: mostChunks = 10_000, bytes: limitBytes = contentLimitBytes } = limits
  if (bytes === null || bytes.length === 0) return { value: null, chunks: null, cut: size > 0 }
  const body: Body = { pieces: [{ offset: 0, atMs: 0, bytes }], size, whole: bytes.length === size }
  const { pieces, whole } = decodeContent(body, contentEncoding, limitBytes)
  const framing = pieces.length === 0 ? 'binary' : chooseFraming({ contentType, wantsStream: false }, pieces)
  if (framing === 'sse' || framing === 'ndjson') {
    const chunks: unknown[] = []
    let over = false
    const receiver = {
      value(value: unknown) {
        if (isObject(value) && Object.keys(value).length === 0) return
        if (chunks.length < mostChunks) chunks.push(value)
        else over = true
      },
      done() {},
    }
    const read = framing === 'sse' ? readSse : readNdjson
    const { badEvents, tooLarge } = read(pieces, whole, receiver)
    return { value: null, chunks, cut: over || !whole || badEvents + tooLarge > 0 }
  }
  if (framing === 'binary') return { value: placeholder(contentType ?? 'bytes', size), chunks: null, cut: false }
  const text = textOf(pieces)
  const parsed = whole ? parseJson(text.trim()) : null
  return { value: parsed === null ? text : parsed.value, chunks: null, cut: !whole }
}
