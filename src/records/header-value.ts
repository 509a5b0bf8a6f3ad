import type { HeaderPairs } from './exchange.ts'

/** The first value of a header, by lower-case name. */
export const headerValue = (headers: HeaderPairs, wanted: string): string | null =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null
