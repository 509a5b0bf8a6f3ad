import { at, stringAt } from '../records/json.ts'

/** A field that JSON says as a number or a flag, and a form as text. */
export function numberIn(body: unknown, name: string): number | null {
  const value = at(body, name)
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

export function countIn(body: unknown, name: string): number | null {
  const number = numberIn(body, name)
  return number !== null && Number.isSafeInteger(number) && number >= 0 ? number : null
}

export const isTrueIn = (body: unknown, name: string): boolean =>
  at(body, name) === true || stringAt(body, name)?.toLowerCase() === 'true'
