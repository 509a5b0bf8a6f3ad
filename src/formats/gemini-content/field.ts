import { at } from '../../records/json.ts'

/** A field of a request, which this API takes in camel case and with underscores. */
export const field = (value: unknown, name: string): unknown =>
  at(value, name) ??
  at(
    value,
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  )
