import { createHash, createHmac } from 'node:crypto'

export interface SecretHint {
  length: number
  /** 32-bit rolling hash of the secret under the installation's pepper. */
  rolling: number
  /** Keyed hash (HMAC-SHA-256, hex) that confirms a hit. */
  hmac: string
}

/**
 * Finds a call's own secrets in bytes without knowing them: the data plane leaves a rolling hash and a keyed hash in the
 * journal, the recorder slides a window over what it decompressed. Both depend on the installation's pepper.
 */
export function hintOf(secret: Uint8Array, pepper: string): SecretHint {
  return { length: secret.length, rolling: rollingHash(secret, baseOf(pepper)), hmac: confirm(secret, pepper) }
}

export function holdsSecret(bytes: Uint8Array, hints: readonly SecretHint[], pepper: string): boolean {
  return hints.some((hint) => scan(bytes, hint, pepper))
}

function scan(bytes: Uint8Array, hint: SecretHint, pepper: string): boolean {
  const { length } = hint
  if (length === 0 || bytes.length < length) return false
  const base = baseOf(pepper)
  let leaving = 1
  for (let step = 1; step < length; step++) leaving = Math.imul(leaving, base)
  let hash = rollingHash(bytes.subarray(0, length), base)
  for (let end = length; ; end++) {
    if (hash === hint.rolling && confirm(bytes.subarray(end - length, end), pepper) === hint.hmac) return true
    if (end === bytes.length) return false
    hash = (Math.imul(hash - Math.imul(bytes[end - length]!, leaving), base) + bytes[end]!) | 0
  }
}

function rollingHash(bytes: Uint8Array, base: number): number {
  let hash = 0
  for (const byte of bytes) hash = (Math.imul(hash, base) + byte) | 0
  return hash
}

const confirm = (bytes: Uint8Array, pepper: string): string =>
  createHmac('sha256', pepper).update('secret-in-body\0').update(bytes).digest('hex')

const bases = new Map<string, number>()

/** An odd multiplier that only the pepper tells. */
function baseOf(pepper: string): number {
  let base = bases.get(pepper)
  if (base === undefined) {
    base = createHash('sha256').update('rolling\0').update(pepper).digest().readInt32LE(0) | 1
    bases.set(pepper, base)
  }
  return base
}
