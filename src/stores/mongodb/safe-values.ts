import { isObject } from '../../records/json.ts'

/**
 * A value that others made, in a form that every server takes and that `restored` turns back: keys with dots, leading dollar
 * signs or NUL are written with per cent signs, and what servers refuse (lists in lists, deep nesting) becomes JSON text in an
 * object whose only key is `%json`. Numbers that JSON does not know are `null`, as they are in JSON.
 */
export function storable(value: unknown, depth = 0): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null // FerretDB drops the connection over -0 and NaN
  if (typeof value !== 'object' || value === null) return value
  if (depth >= deepest) return asText(value)
  if (Array.isArray(value)) return value.map((item) => (Array.isArray(item) ? asText(item) : storableItem(item, depth)))
  const fields: [string, unknown][] = []
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue
    if (!key.isWellFormed()) return asText(value)
    fields.push([escaped(key), storable(field, depth + 1)])
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

const storableItem = (item: unknown, depth: number): unknown => (item === undefined ? null : storable(item, depth + 1))
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
