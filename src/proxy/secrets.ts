import { LRUCache } from 'lru-cache'
import { keyedHash } from '../lib/keyed-hash.ts'
import { hintOf } from '../lib/secret-scan.ts'
import type { SecretHint } from '../records/exchange.ts'
import { byName } from './by-name.ts'

/** What one secret of a call looks like to us: its fingerprint, and the bytes to mask wherever they turn up. */
export interface KnownSecret {
  fingerprint: string
  bytes: Buffer
  /** For each length of its beginning: how much of that end is a beginning again (Knuth, Morris, Pratt). */
  borders: Uint32Array
  /** As text, also as a query may have it encoded. */
  forms: readonly string[]
  hint: SecretHint
}

/** The secrets that a call carries: the credential it is known by, and everything that must not be kept. */
export interface CallSecrets {
  keyFingerprint: string | null
  masks: readonly KnownSecret[]
}

/** Shorter values are placeholders (`ollama`, `none`, `sk-test`) that would mask ordinary words. */
const shortestSecret = 12

const credentialHeaders: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'])
const secretHeader =
  /^(?!idempotency-key$)(?:.*[-_])?(?:api-?key|key|token|secret|auth|authorization|password|credential|cookie|signature)s?$/
const secretParameter = /(?:^|[-_])(?:api-?key|key|token|secret|auth|password|credential|sig|signature|ts)$/i

const holdsSecret = byName((lower) => {
  if (credentialHeaders.has(lower)) return 'credential'
  if (!secretHeader.test(lower)) return 'nothing'
  return lower === 'cookie' ? 'cookies' : 'secret'
})

const none: CallSecrets = { keyFingerprint: null, masks: [] }

/** Knows secrets again by value, so that hashing them costs once. */
export class Secrets {
  readonly #pepper: string
  readonly #known = new LRUCache<string, KnownSecret>({ max: 4096 })

  constructor(pepper: string) {
    this.#pepper = pepper
  }

  /** Of a request: `rawHeaders` flat, `target` with its query. */
  of(rawHeaders: readonly string[], target: string): CallSecrets {
    let keyFingerprint: string | null = null
    let masks: KnownSecret[] | null = null
    const add = (value: string, credential: boolean): void => {
      if (value === '') return
      const known = this.#know(value)
      if (credential && keyFingerprint === null) keyFingerprint = known.fingerprint
      if (value.length < shortestSecret || masks?.includes(known)) return
      masks ??= []
      if (masks.length < 16) masks.push(known)
    }
    for (let place = 0; place < rawHeaders.length; place += 2) {
      const holds = holdsSecret(rawHeaders[place]!)
      if (holds === 'nothing') continue
      const credential = holds === 'credential'
      const value = rawHeaders[place + 1]!
      if (holds === 'cookies') for (const part of value.split(';')) add(part.slice(part.indexOf('=') + 1).trim(), false)
      else add(value.replace(/^(?:bearer|basic|token)\s+/i, '').trim(), credential)
      const password = passwordOf(value)
      if (password) add(password, false)
    }
    const query = target.indexOf('?')
    if (query >= 0)
      for (const [name, value] of new URLSearchParams(target.slice(query + 1)))
        if (secretParameter.test(name)) add(value, name === 'key' || name === 'api_key' || name === 'api-key')
    return masks === null && keyFingerprint === null ? none : { keyFingerprint, masks: masks ?? [] }
  }

  #know(value: string): KnownSecret {
    let known = this.#known.get(value)
    if (!known) {
      const bytes = Buffer.from(value, 'latin1')
      known = {
        fingerprint: keyedHash(this.#pepper, value),
        bytes,
        borders: bordersOf(bytes),
        forms: formsOf(value),
        hint: hintOf(bytes, this.#pepper),
      }
      this.#known.set(value, known)
    }
    return known
  }
}

/** The entry at a place is that of the beginning which ends there. */
function bordersOf(bytes: Uint8Array): Uint32Array {
  const borders = new Uint32Array(bytes.length)
  let length = 0
  for (let place = 1; place < bytes.length; place++) {
    while (length > 0 && bytes[place] !== bytes[length]) length = borders[length - 1]!
    if (bytes[place] === bytes[length]) length++
    borders[place] = length
  }
  return borders
}

/** How many of the last bytes may be the beginning of the secret; all of it is not looked for. One look at each of them. */
export function beginningAtEnd(bytes: Uint8Array, { bytes: secret, borders }: KnownSecret): number {
  let length = 0
  for (let place = Math.max(0, bytes.length - secret.length + 1); place < bytes.length; place++) {
    const byte = bytes[place]
    while (length > 0 && byte !== secret[length]) length = borders[length - 1]!
    if (byte === secret[length]) length++
  }
  return length
}

/** The part behind the colon of Basic credentials (RFC 7617 §2). */
function passwordOf(value: string): string | null {
  const coded = /^basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(value)?.[1]
  if (coded === undefined) return null
  const pair = Buffer.from(coded, 'base64').toString('latin1')
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : null
}

/** The text with every secret of the call replaced by asterisks of the same length, also where a query had it encoded. */
export function maskText(text: string, masks: readonly KnownSecret[]): string {
  let masked = text
  for (const { forms } of masks)
    for (const form of forms)
      if (masked.length >= form.length && masked.includes(form))
        masked = masked.replaceAll(form, '*'.repeat(form.length))
  return masked
}

const formsOf = (secret: string): readonly string[] => [
  ...new Set([secret, encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)]),
]

/** A target without the values of its secret parameters, whether or not they are long enough to be looked for elsewhere. */
export function maskTarget(target: string, masks: readonly KnownSecret[]): string {
  const query = target.indexOf('?')
  if (query < 0) return maskText(target, masks)
  const parts = target.slice(query + 1).split('&')
  const clean = parts.map((part) => {
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    return equals >= 0 && secretParameter.test(decoded(name)) ? `${name}=${'*'.repeat(part.length - equals - 1)}` : part
  })
  return maskText(`${target.slice(0, query)}?${clean.join('&')}`, masks)
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
