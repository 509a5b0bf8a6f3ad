import { createHmac } from 'node:crypto'

/** 128 bits of HMAC-SHA-256 as 32 hex characters: names a secret without telling it to anyone who lacks the pepper. */
export function keyedHash(pepper: string, text: string): string {
  return createHmac('sha256', pepper).update(text).digest('hex').slice(0, 32)
}
