import { type JsonObject, parseJson } from '../../records/json.ts'

/** Members worth finding at the end of a body whose middle nobody reads. */
const wanted = [
  'usage',
  'usageMetadata',
  'meta',
  'model',
  'id',
  'timings',
  'x_groq',
  'service_tier',
  'system_fingerprint',
  'error',
  'prompt_eval_count',
  'total_duration',
  'load_duration',
  // of requests, whose messages stand before them
  'stream',
  'stream_options',
  'temperature',
  'max_tokens',
  'max_completion_tokens',
]

/**
 * Members of one large JSON object, from the text of its start and the text of its end: whole members at the start, and the
 * wanted ones among the object's last members. What lies between is never read.
 */
export function edgesOf(head: string, tail: string): JsonObject {
  return { ...tailMembers(tail), ...headMembers(head) }
}

function headMembers(text: string): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  let place = skipSpace(text, 0)
  if (text[place] !== '{') return members
  place = skipSpace(text, place + 1)
  while (text[place] === '"') {
    const keyEnd = valueEnd(text, place)
    const colon = keyEnd === -1 ? -1 : skipSpace(text, keyEnd)
    if (text[colon] !== ':') break
    const start = skipSpace(text, colon + 1)
    const end = valueEnd(text, start)
    if (end === -1) break
    const key = parseJson(text.slice(place, keyEnd))?.value
    const parsed = parseJson(text.slice(start, end))
    if (typeof key !== 'string' || parsed === null) break
    Object.defineProperty(members, key, { value: parsed.value, enumerable: true, configurable: true, writable: true })
    place = skipSpace(text, end)
    if (text[place] !== ',') break
    place = skipSpace(text, place + 1)
  }
  return members
}

function tailMembers(text: string): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  for (const key of wanted) {
    const quoted = `"${key}"`
    for (let place = text.lastIndexOf(quoted); place > 0; place = text.lastIndexOf(quoted, place - 1)) {
      const colon = skipSpace(text, place + quoted.length)
      if (text[place - 1] === '\\' || text[colon] !== ':') continue
      const start = skipSpace(text, colon + 1)
      const end = valueEnd(text, start)
      const parsed = end === -1 ? null : parseJson(text.slice(start, end))
      if (parsed === null || !closesOnce(text, end)) continue
      members[key] = parsed.value
      break
    }
  }
  return members
}

/** From here on only the outermost object closes: the member before is one of its own. */
function closesOnce(text: string, from: number): boolean {
  let place = skipSpace(text, from)
  while (text[place] === ',') {
    const key = skipSpace(text, place + 1)
    const keyEnd = valueEnd(text, key)
    const colon = keyEnd === -1 ? -1 : skipSpace(text, keyEnd)
    if (text[colon] !== ':') return false
    const end = valueEnd(text, skipSpace(text, colon + 1))
    if (end === -1) return false
    place = skipSpace(text, end)
  }
  return text[place] === '}' && skipSpace(text, place + 1) === text.length
}

/** Index after the value that starts here, or -1 when it does not end in this text. */
function valueEnd(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return stringEnd(text, start)
  if (first === '{' || first === '[') return containerEnd(text, start)
  const length = text.slice(start).search(/[\s,}\]]/)
  return length === -1 ? -1 : start + length
}

function containerEnd(text: string, start: number): number {
  let depth = 0
  for (let place = start; place !== -1 && place < text.length; ) {
    const character = text[place]
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    place = character === '"' ? stringEnd(text, place) : place + 1
    if (depth === 0) return place
  }
  return -1
}

/** Index after the closing quote, or -1. */
function stringEnd(text: string, start: number): number {
  for (let place = start + 1; place < text.length; place++) {
    if (text[place] === '\\') place++
    else if (text[place] === '"') return place + 1
  }
  return -1
}

const space = /\s/

function skipSpace(text: string, from: number): number {
  let place = from
  while (place < text.length && space.test(text[place]!)) place++
  return place
}
