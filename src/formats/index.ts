import type { Format } from './decoder.ts'

/** Every wire format, by the id that provider declarations use. A new format is a folder and a line here. */
export const formats: ReadonlyMap<string, Format> = new Map<string, Format>()
