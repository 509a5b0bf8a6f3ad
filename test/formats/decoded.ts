import type { Decoded, Format } from '../../src/formats/decoder.ts'

/** What a format makes of these events; each has its place among them as its time. */
export function streamed(format: Format, ...values: unknown[]): Decoded {
  const decoder = format.decoder(format.readRequest({}), {})
  for (const [index, value] of values.entries()) decoder.push(value, index, null)
  return decoder.finish()
}

/** What a format makes of an answer that is one value. */
export function whole(format: Format, value: unknown): Decoded {
  const decoder = format.decoder(format.readRequest({}), {})
  decoder.whole(value, 0)
  return decoder.finish()
}
