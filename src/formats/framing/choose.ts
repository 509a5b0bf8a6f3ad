import type { Piece } from '../../records/exchange.ts'
import { parseJson } from '../../records/json.ts'
import type { Observed } from '../observed.ts'
import { firstBytes, textOf } from './json.ts'

export type Framing = Observed['framing']

const sniffBytes = 8 << 10

/**
 * How to read an answer, from its type and first bytes (wire-formats 2.1). The type is believed only where the bytes
 * do not contradict it: servers send errors as events, events as plain text and lines of JSON as one JSON.
 */
export function chooseFraming(
  answer: { contentType: string | null; wantsStream: boolean },
  pieces: readonly Piece[],
): Framing {
  const start = firstBytes(pieces, sniffBytes)
  if (start.length === 0) return 'none'
  const type = (answer.contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (/^(audio|image|video|font)\//.test(type)) return 'binary'
  const text = textOf(start)
  const looks = sniff(text, answer.wantsStream)
  if (type === 'text/event-stream') return looks ?? 'sse'
  if (looks === 'sse') return 'sse'
  if (lineTypes.has(type)) return 'ndjson'
  if (type.includes('json')) return looks ?? 'json'
  if (looks !== null) return looks
  if (text.trim() === '') return answer.wantsStream && type === '' ? 'sse' : 'text'
  return type.startsWith('text/') || !looksBinary(text) ? 'text' : 'binary'
}

const lineTypes: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/json-seq',
  'application/stream+json',
])

/** A list that answers a request for a stream is one: its items come as they are made (wire-formats 2.4). */
function sniff(text: string, wantsStream: boolean): 'json' | 'json-array' | 'ndjson' | 'sse' | null {
  const start = text.trimStart()
  if (/^(data|event|id|retry):|^:/.test(start)) return 'sse'
  if (start[0] === '[') return wantsStream ? 'json-array' : 'json'
  if (start[0] !== '{') return null
  const lineEnd = start.indexOf('\n')
  if (lineEnd === -1) return 'json'
  const more = start.slice(lineEnd).trim() !== ''
  return more && parseJson(start.slice(0, lineEnd)) !== null ? 'ndjson' : 'json'
}

const looksBinary = (text: string): boolean =>
  text.includes('\0') || (text.match(/\ufffd/g)?.length ?? 0) > text.length / 10
