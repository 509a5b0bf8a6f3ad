import { isObject } from '../../records/json.ts'

/**
 * A value that others made, in a form that every server takes and that `restored` turns back: keys with dots, leading dollar
 * signs or NUL are written with per cent signs, and what servers refuse (lists in lists, deep nesting) becomes JSON text in an
 * object whose only key is `%json`. Numbers that JSON does not know are `null`, as they are in JSON.
 */
export const storable = (value: unknown): unknown => (isStorable(value, 0) ? value : madeStorable(value, 0))

/** Most values can be stored as they are, and looking costs less than a copy. */
function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (typeof value !== 'object' || value === null) return true
  if (depth >= deepest) return false
  if (Array.isArray(value)) {
    for (const item of value)
      if (item === undefined || Array.isArray(item) || !isStorable(item, depth + 1)) return false
    return true
  }
  for (const [key, field] of Object.entries(value))
    if (field === undefined || !isPlainKey(key) || !isStorable(field, depth + 1)) return false
  return true
}

function madeStorable(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null // FerretDB drops the connection over -0 and NaN
  if (typeof value !== 'object' || value === null) return value
  if (depth >= deepest) return asText(value)
  if (Array.isArray(value))
    return value.map((item) => {
      if (item === undefined) return null
      return Array.isArray(item) ? asText(item) : madeStorable(item, depth + 1)
    })
  const fields: [string, unknown][] = []
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue
    if (!key.isWellFormed()) return asText(value)
    fields.push([escaped(key), madeStorable(field, depth + 1)])
  }
  return Object.fromEntries(fields)
}

export function restored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(restored)
  if (!isObject(value)) return value
  const entries = Object.entries(value)
  const [first] = entries
  if (entries.length === 1 && first?.[0] === textKey && typeof first[1] === 'string') return JSON.parse(first[1])
  return Object.fromEntries(entries.map(([key, field]) => [unescaped(key), restored(field)]))
}

/** Documents may be 100 levels deep; ours keep far from it. */
const deepest = 40
const textKey = '%json'

const isPlainKey = (key: string): boolean => key.isWellFormed() && escaped(key) === key
const asText = (value: object): unknown => ({ [textKey]: JSON.stringify(value) })

/** `%` stands for the empty key. `_bsontype` would make the driver take the object for a value of its own. */
function escaped(key: string): string {
  if (key === '') return '%'
  if (key === '_bsontype') return '%5Fbsontype'
  return special.test(key) ? key.replace(/[%.\0]|^\$/g, percent) : key
}

const special = /[%.\0]|^\$/
const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

const unescaped = (key: string): string =>
  key === '%' ? '' : key.replace(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
