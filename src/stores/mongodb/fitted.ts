import { zstdDecompressSync } from 'node:zlib'
import type { BodyFacts } from '../../records/llm-run.ts'
import type { Document, Driver } from './driver.ts'

/** The greatest document that servers take is 16 MiB; a little is left for what they add. */
export const documentLimit = 16 * 1024 * 1024 - 16 * 1024

/**
 * The document of a call as far as a server takes it: bodies are cut at their end, then, should texts alone be too much, those
 * too. A document that was cut says `document_cut: true`, its body `truncated: true`.
 */
export function fitted(
  driver: Driver,
  document: Document,
  limit = documentLimit,
): { document: Document; bytes: number } {
  const sizeOf = (one: Document): number => driver.BSON.calculateObjectSize(one)
  const whole = sizeOf(document)
  if (whole <= limit) return { document, bytes: whole }

  let cut: Document = { ...document, document_cut: true }
  if (sizeOf({ ...cut, request_bytes: null, response_bytes: null }) > limit / 2) cut = withLessText(cut)
  const room = limit - sizeOf({ ...cut, request_bytes: null, response_bytes: null }) - 64
  if (room < 0) throw new RangeError(`a document of ${whole} bytes: ${limit} are the most that a server takes`)
  const [request, response] = [lengthOf(cut.request_bytes), lengthOf(cut.response_bytes)]
  cutBody(driver, cut, 'request', Math.max(Math.floor(room / 2), room - response))
  cutBody(driver, cut, 'response', Math.max(Math.floor(room / 2), room - request))
  return { document: cut, bytes: sizeOf(cut) }
}

const lengthOf = (binary: unknown): number =>
  typeof binary === 'object' && binary !== null && 'position' in binary ? Number(binary.position) : 0

function cutBody(driver: Driver, document: Document, side: 'request' | 'response', room: number): void {
  const kept: unknown = document[`${side}_bytes`]
  if (!(kept instanceof driver.Binary) || kept.position <= room) return
  const facts = document[`${side}_body`] as BodyFacts
  const bytes = kept.value()
  const plain =
    facts.coding === 'identity' ? bytes : zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, facts.kept) })
  const head = plain.subarray(0, room)
  document[`${side}_bytes`] = new driver.Binary(head)
  document[`${side}_body`] = { ...facts, kept: head.length, truncated: true, coding: 'identity' }
}

const longestText = 500_000
const lists = new Set(['messages', 'choices', 'tool_calls'])

const withLessText = (document: Document): Document => ({
  ...Object.fromEntries(
    Object.entries(document).map(([name, value]) => {
      if (lists.has(name)) return [name, []]
      return [name, typeof value === 'string' ? value.slice(0, longestText) : value]
    }),
  ),
  text_truncated: true,
})
