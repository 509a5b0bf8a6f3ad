import { at, isObject, stringAt } from '../records/json.ts'
import { audioSeconds } from './audio-length.ts'
import { type AudioFact, type ImageFact, noParameters, type RequestMessage, type RequestParameters } from './decoder.ts'
import { imageSize } from './image-size.ts'
import { jsonText } from './json-text.ts'

const toolNameLimit = 128
const toolsTextCharacters = 1 << 20

/** `[image 12 kB]`, or `[image]` when nobody knows how large it is. */
export function placeholder(kind: string, bytes: number | null): string {
  if (bytes === null) return `[${kind}]`
  return `[${kind} ${bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`}]`
}

/** How many bytes a base64 text stands for. */
export function bytesOfBase64(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return Math.max(0, Math.floor((text.length * 3) / 4) - padding)
}

/** An image given as `data:` URL, as a link, or as bare base64. */
export function imageFrom(source: string, detail: string | null = null): ImageFact {
  if (source.startsWith('data:')) return imageOfBase64(source.slice(source.indexOf(',') + 1), detail)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return { bytes: null, detail, url: true }
  return imageOfBase64(source, detail)
}

export const imageOfBase64 = (text: string, detail: string | null = null): ImageFact => ({
  bytes: bytesOfBase64(text),
  detail,
  url: false,
  ...imageSize(startOfBase64(text)),
})

export function audioOfBase64(text: string): AudioFact {
  const bytes = bytesOfBase64(text)
  return { bytes, seconds: audioSeconds(startOfBase64(text), bytes) }
}

/** A camera's notes can stand before the size of a picture. */
const startCharacters = 128 << 10
const startOfBase64 = (text: string): Buffer => Buffer.from(text.slice(0, startCharacters), 'base64')

export const audioText = (audio: AudioFact): string => placeholder('audio', audio.bytes)

export const imageText = (image: ImageFact): string => placeholder(image.url ? 'image link' : 'image', image.bytes)

/** The parameters a request named; the rest stays null. */
export const parametersOf = (given: Partial<RequestParameters>): RequestParameters => ({ ...noParameters, ...given })

/** One stop text or a list of them. */
export function stopsOf(value: unknown): readonly string[] | null {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return null
  return value.filter((stop) => typeof stop === 'string').slice(0, 16)
}

/** A setting that is one word or an object with a type and perhaps a name: `auto`, `function:weather`. */
export function choiceOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  const type = stringAt(value, 'type')
  const name = stringAt(value, 'function', 'name') ?? stringAt(value, 'custom', 'name') ?? stringAt(value, 'name')
  return name === null ? type : `${type ?? 'function'}:${name}`
}

/** Names of the tools offered, and their definitions as compact JSON. Knows the nestings of all vendors. */
export function toolsOf(tools: unknown): { toolNames: readonly string[]; toolsText: string | null } {
  if (!Array.isArray(tools) || tools.length === 0) return { toolNames: [], toolsText: null }
  const toolNames = tools.slice(0, toolNameLimit).map((tool) => toolName(tool) ?? '?')
  return { toolNames, toolsText: jsonText(tools).slice(0, toolsTextCharacters) }
}

function toolName(tool: unknown): string | null {
  return (
    stringAt(tool, 'function', 'name') ??
    stringAt(tool, 'custom', 'name') ??
    stringAt(tool, 'name') ??
    stringAt(tool, 'type')
  )
}

/** Arguments of a tool call as JSON text: kept as generated when they are text, written out when they are an object. */
export const argumentsText = (value: unknown): string =>
  typeof value === 'string' ? value : isObject(value) || Array.isArray(value) ? jsonText(value) : ''

/** A short scalar as sent; anything else is null. */
export function scalarAt(value: unknown, ...path: string[]): string | number | null {
  const found = at(value, ...path)
  return typeof found === 'string' || (typeof found === 'number' && Number.isFinite(found)) ? found : null
}

/** A message that is a text, and what else there is to it. */
export const messageOf = (role: string, text: string, more: Partial<RequestMessage> = {}): RequestMessage => ({
  role,
  name: null,
  text,
  toolCalls: [],
  toolCallId: null,
  images: [],
  ...more,
})

/** Prompts or inputs: a text, token ids, or a list of either; each becomes a message. */
export function textsOf(given: unknown): readonly RequestMessage[] {
  if (given === undefined || given === null) return []
  const list = Array.isArray(given) && typeof given[0] !== 'number' ? given : [given]
  return list.map((text) =>
    messageOf(
      'user',
      typeof text === 'string' ? text : Array.isArray(text) ? `[${text.length} token ids]` : jsonText(text),
    ),
  )
}

/** How many token ids a prompt was made of; null: it is text. */
export function tokenIdsIn(text: string): number | null {
  const count = /^\[(\d+) token ids\]$/.exec(text)?.[1]
  return count === undefined ? null : Number(count)
}

export const isTokenIds = (text: string): boolean => tokenIdsIn(text) !== null
