/** Careful reading of JSON that somebody else wrote: a field of the wrong type reads as absent, never throws. */
export type JsonObject = { readonly [key: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object itself, or an empty one. */
export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : none)
const none: JsonObject = Object.freeze({})

/** Follows a path of keys through own properties only (`__proto__` finds nothing). */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let here = value
  for (const key of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    here = (here as Record<string | number, unknown>)[key]
  }
  return here
}

export function stringAt(value: unknown, ...path: (string | number)[]): string | null {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : null
}

/** A finite number, or null. */
export function numberAt(value: unknown, ...path: (string | number)[]): number | null {
  const found = at(value, ...path)
  return typeof found === 'number' && Number.isFinite(found) ? found : null
}

/** A whole number of something, at least zero and exact in a double; anything else is null. */
export function countAt(value: unknown, ...path: (string | number)[]): number | null {
  const found = numberAt(value, ...path)
  return found !== null && Number.isSafeInteger(found) && found >= 0 ? found : null
}

export function booleanAt(value: unknown, ...path: (string | number)[]): boolean | null {
  const found = at(value, ...path)
  return typeof found === 'boolean' ? found : null
}

export function arrayAt(value: unknown, ...path: (string | number)[]): readonly unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

/** Parses, or null: for text that may be anything. `JSON.parse` never sets a prototype, so own-property reads are safe. */
export function parseJson(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return null
  }
}
