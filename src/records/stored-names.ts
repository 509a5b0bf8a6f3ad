/**
 * Our own objects as they stand in documents and answers: the fields of records are written with underscores, those of code
 * in camel case. Only for objects of ours, never for what a vendor or a client sent.
 */
export function storedNames<T>(value: T): StoredNames<T> {
  return renamed(value) as StoredNames<T>
}

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed)
  if (typeof value !== 'object' || value === null) return value
  const stored: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) stored[storedName(name)] = renamed(field)
  return stored
}

/** The names of our own fields are few, and stand in every record. */
const known = new Map<string, string>()

/** `cacheWrite1h` → `cache_write_1h` */
function storedName(name: string): string {
  let stored = known.get(name)
  if (stored === undefined) {
    stored = name.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`)
    known.set(name, stored)
  }
  return stored
}

/** What `storedNames` made of it, back: of an object of counts and words, not of what lies deeper. */
export const ownNames = <T extends object>(stored: StoredNames<T>): T =>
  Object.fromEntries(Object.entries(stored).map(([name, field]) => [ownName(name), field])) as T

/** `cache_write_1h` → `cacheWrite1h` */
const ownName = (name: string): string => name.replace(/_([a-z]|\d+)/g, (_whole, part: string) => part.toUpperCase())

export type StoredNames<T> = T extends readonly (infer Item)[]
  ? readonly StoredNames<Item>[]
  : T extends object
    ? { [Name in keyof T as Underscored<Name & string>]: StoredNames<T[Name]> }
    : T

type Underscored<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${Part<First>}${Underscored<Rest>}`
  : ''

type Part<Character extends string> =
  Character extends Lowercase<Character>
    ? Character extends Digit
      ? `_${Character}`
      : Character
    : `_${Lowercase<Character>}`

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
