import type { Binary, Collection, Db, Document } from 'mongodb'

export type { Binary, Collection, Db, Document }

/** The driver's module, loaded when the first question or batch needs it. */
export type Driver = typeof import('mongodb')

export const loadDriver = (): Promise<Driver> => import('mongodb')

/** Bytes of a document's field: memory of their own, not a window into the answer they came in. */
export function bytesIn(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (typeof value === 'object' && value !== null && 'buffer' in value && value.buffer instanceof Uint8Array)
    return new Uint8Array(value.buffer)
  return null
}
