import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { LRUCache } from 'lru-cache'
import { keyedHash } from '../lib/keyed-hash.ts'

/** Who asks: the admin, or the holder of some key, known by the fingerprint that its calls are recorded under. */
export type Identity =
  | { readonly kind: 'admin' }
  | { readonly kind: 'key'; readonly keyId: string; readonly from: Presented['from'] }

export interface Presented {
  readonly value: string
  readonly from: 'header' | 'query'
}

export interface Access {
  /** Null: no key was presented. Throws `Misplaced` for the admin token in a URL. */
  identify(headers: IncomingHttpHeaders, url: string): Identity | null
  /** A header holds the scraper's token. */
  isScraper(headers: IncomingHttpHeaders): boolean
}

/** The admin token stood where it ends up in histories and logs. The message does not repeat it. */
export class Misplaced extends Error {
  override name = 'Misplaced'
}

/** Knows the admin by the token and everybody else by fingerprint. */
export function createAccess(secrets: { adminToken: string; metricsToken?: string | null; pepper: string }): Access {
  const ownKey = randomBytes(32)
  const sealed = (text: string): Buffer => createHmac('sha256', ownKey).update(text).digest()
  const admin = sealed(secrets.adminToken)
  const { metricsToken = null } = secrets
  const scraper = metricsToken === null ? null : sealed(metricsToken)
  const isAdmin = ({ value }: Presented): boolean => timingSafeEqual(sealed(value), admin)
  const known = new LRUCache<string, Identity>({ max: 1_000 })

  function holder({ value, from }: Presented): Identity {
    const place = `${from}:${value}`
    let identity = known.get(place)
    if (identity === undefined) {
      identity = { kind: 'key', keyId: keyedHash(secrets.pepper, value), from }
      known.set(place, identity)
    }
    return identity
  }

  return {
    isScraper: (headers) =>
      scraper !== null && presentedKeys(headers, '').some(({ value }) => timingSafeEqual(sealed(value), scraper)),
    identify(headers, url) {
      const keys = presentedKeys(headers, url)
      const adminKey = keys.find(isAdmin)
      if (adminKey?.from === 'header') return { kind: 'admin' }
      if (adminKey) throw new Misplaced('the admin token is not taken from a URL; send it as Authorization: Bearer')
      return keys[0] === undefined ? null : holder(keys[0])
    },
  }
}

const keyHeaders: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'])

/**
 * The keys that a request to our own API presents, in the order sent: the first is the one the proxy would record it under.
 * `?key=` counts only when no header has a key; beside one it is a filter.
 */
export function presentedKeys(headers: IncomingHttpHeaders, url: string): readonly Presented[] {
  const sent: Presented[] = Object.entries(headers).flatMap(([name, value]) => {
    const key = keyHeaders.has(name) ? withoutScheme(String(value)) : ''
    return key === '' ? [] : [{ value: key, from: 'header' as const }]
  })
  const query = url.indexOf('?')
  if (sent.length > 0 || query < 0) return sent
  const named = new URLSearchParams(url.slice(query + 1)).getAll('key').filter((value) => value !== '')
  return named.map((value) => ({ value, from: 'query' }))
}

const withoutScheme = (value: string): string => value.replace(/^(?:bearer|basic|token)(?:\s+|$)/i, '').trim()
