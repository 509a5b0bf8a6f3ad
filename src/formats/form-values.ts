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

/** `{size: '1024x1024'}`, or nothing where the request does not say it. */
export function wordIn<Name extends string>(body: unknown, name: Name): { [key in Name]?: string } {
  const value = stringAt(body, name)
  // one computed key widens to an index signature
  return value ? ({ [name]: value } as { [key in Name]: string }) : {}
}
