import type { Dispatcher } from 'undici'
import type { ExchangeHead } from '../records/exchange.ts'
import { headerIn } from './headers.ts'

/** Names and values as latin1 text, in order. */
export function flatOf(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return []
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
}

export function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let place = 0; place + 1 < flat.length; place += 2) pairs.push([flat[place]!, flat[place + 1]!])
  return pairs
}

export function lengthOf(flat: readonly string[]): number | null {
  const text = headerIn(flat, 'content-length')
  return text !== null && /^\d+$/.test(text) ? Number(text) : null
}

/** How the end of an answer's body is told (RFC 9112 §6.3); `length` is that of `lengthOf`. */
export function framingOf(
  method: string | undefined,
  status: number,
  flat: readonly string[],
  length: number | null,
): ExchangeHead['framing'] {
  if (method === 'HEAD' || status === 204 || status === 304) return 'none'
  if (length !== null) return 'length'
  return headerIn(flat, 'transfer-encoding') === null ? 'close' : 'chunked'
}
