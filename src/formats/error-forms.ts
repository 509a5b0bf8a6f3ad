import { at, isObject, type JsonObject, stringAt } from '../records/json.ts'
import type { AnswerError } from './decoder.ts'
import { jsonText } from './json-text.ts'

const messageCharacters = 2000

/**
 * The error that one JSON value of a good-looking answer carries (HTTP 200, an event of a stream), or null. `name` is the
 * SSE event's name. `"error": null` is no error (wire-formats 11.5).
 */
export function errorIn(value: unknown, name: string | null = null): AnswerError | null {
  // Google wraps its error object in a list
  if (Array.isArray(value)) return value.length === 1 && isObject(value[0]) ? errorIn(value[0], name) : null
  if (typeof value === 'string') return name === 'error' ? errorOfText(value) : null
  if (!isObject(value)) return null
  return (
    underError(value) ??
    flat(value, name) ??
    nested(at(value, 'response', 'error')) ??
    nested(at(value, 'x_groq', 'error')) ??
    (value.type === 'message-end' ? nested(at(value, 'delta', 'error')) : null)
  )
}

/** The error of a body whose HTTP status already said that it is one: also the forms that would be too loose elsewhere. */
export function errorOfBody(value: unknown): AnswerError | null {
  const found = errorIn(value)
  if (found) return found
  if (typeof value === 'string') return errorOfText(value)
  if (!isObject(value)) return null
  const message = stringAt(value, 'message') ?? details(value.detail)
  return message === null ? null : made(message, value.type, value.code ?? value.statusCode)
}

/** The error of a body that is no JSON (a load balancer's page, plain text): its first 200 characters. */
export function errorOfText(text: string): AnswerError | null {
  const readable = text.trim().slice(0, 200)
  return readable === '' ? null : { message: readable, type: null, code: null }
}

function underError(value: JsonObject): AnswerError | null {
  const error = at(value, 'error')
  if (typeof error === 'string') return error === '' ? null : made(error, value.type, value.code)
  if (!isObject(error)) return null
  const type = error.type ?? error.status ?? at(error, 'metadata', 'error_type')
  return made(stringAt(error, 'message') ?? jsonText(error), type, error.code)
}

/** `{"type":"error","message"}`, `{"object":"error","message"}`, and whatever an event named `error` holds. */
function flat(value: JsonObject, name: string | null): AnswerError | null {
  if (value.type !== 'error' && value.object !== 'error' && name !== 'error') return null
  const type = value.object === 'error' ? value.type : null
  const message = stringAt(value, 'message') ?? details(at(value, 'message', 'detail')) ?? jsonText(value)
  return made(message, type, value.code)
}

function nested(error: unknown): AnswerError | null {
  if (typeof error === 'string' && error !== '') return made(error, null, null)
  return isObject(error) ? made(stringAt(error, 'message') ?? jsonText(error), error.type, error.code) : null
}

/** FastAPI: one text, or a list of `{loc, msg, type}`. */
function details(detail: unknown): string | null {
  if (typeof detail === 'string') return detail
  if (isObject(detail)) return stringAt(detail, 'message') ?? stringAt(detail, 'error') ?? jsonText(detail)
  if (!Array.isArray(detail)) return null
  return detail.map((item) => stringAt(item, 'msg') ?? jsonText(item)).join('; ')
}

function made(message: string, type: unknown, code: unknown): AnswerError {
  return { message: message.slice(0, messageCharacters), type: word(type), code: word(code) }
}

const word = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.slice(0, 200) : typeof value === 'number' ? String(value) : null
