import type { HeaderPairs } from '../records/exchange.ts'
import { headerValue } from '../records/header-value.ts'
import type { RateLimit } from '../records/rate-limit.ts'

type Side = 'limit' | 'remaining' | 'reset'

/** How vendors spell a limit (wire-formats 12): which side of it, and which limit. */
const spellings: readonly RegExp[] = [
  /^x-ratelimit-(?<side>limit|remaining|reset)(?:-(?<name>.+))?$/,
  /^anthropic-ratelimit-(?<name>.+)-(?<side>limit|remaining|reset)$/,
  /^ratelimit-(?<side>limit|remaining|reset)$/,
  /^x-(?<name>token)limit-(?<side>limit|remaining|reset)$/,
]

const mostLimits = 16

/** The limits of one answer in one vocabulary, in the order in which they were first named. `headAtMs`: Unix time of its head. */
export function limitsOf(headers: HeaderPairs, headAtMs: number): readonly RateLimit[] | null {
  const limits = new Map<string, RateLimit>()
  for (const [header, value] of headers) {
    const found = spelled(header.toLowerCase())
    if (!found) continue
    const limit = limits.get(found.name) ?? { name: found.name, limit: null, remaining: null, reset_ms: null }
    if (found.side === 'reset') limit.reset_ms = waitMs(value, headAtMs)
    else limit[found.side] = plainNumber(value)
    if (limits.has(found.name) || limits.size < mostLimits) limits.set(found.name, limit)
  }
  return limits.size === 0 ? null : [...limits.values()]
}

/** How long the vendor asks to wait before the next try. */
export function retryAfterMs(headers: HeaderPairs, headAtMs: number): number | null {
  const exact = plainNumber(headerValue(headers, 'retry-after-ms') ?? '')
  const usual = headerValue(headers, 'retry-after')
  return exact ?? (usual === null ? null : waitMs(usual, headAtMs))
}

function spelled(header: string): { name: string; side: Side } | null {
  for (const spelling of spellings) {
    const groups = spelling.exec(header)?.groups
    if (groups) return { name: words(groups.name ?? 'requests'), side: groups.side as Side }
  }
  return null
}

/** `req-minute` is `requests_minute`, `token` is `tokens`. */
const words = (name: string): string =>
  name
    .replace(/^req(?=-|$)/, 'requests')
    .replace(/^token(?=-|$)/, 'tokens')
    .replaceAll('-', '_')
    .slice(0, 60)

const plainNumber = (text: string): number | null => (/^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : null)

const unitsMs: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]
const duration = /^(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/

/** Unix time in seconds or milliseconds, where a number is too large to be a wait. */
const moments = { secondsFrom: 1e9, millisecondsFrom: 1e12 }

/** `6m0s`, `120ms`, plain seconds, a moment (RFC 3339, HTTP date, Unix time): milliseconds from the head on. Null: none of them. */
export function waitMs(text: string, headAtMs: number): number | null {
  const given = text.trim().toLowerCase()
  const plain = plainNumber(given)
  if (plain !== null) {
    if (plain >= moments.millisecondsFrom) return from(headAtMs, plain)
    return plain >= moments.secondsFrom ? from(headAtMs, plain * 1000) : rounded(plain * 1000)
  }
  const parts = duration.exec(given)?.slice(1)
  if (parts) return rounded(unitsMs.reduce((sum, [, ms], place) => sum + Number(parts[place] ?? 0) * ms, 0))
  const moment = /^\d{4}-\d\d-\d\dt|^[a-z]{3}, /.test(given) ? Date.parse(text.trim()) : Number.NaN
  return Number.isNaN(moment) ? null : from(headAtMs, moment)
}

const from = (headAtMs: number, moment: number): number => rounded(Math.max(0, moment - headAtMs))
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000
