import { randomFillSync } from 'node:crypto'

const pool = new Uint8Array(16 * 256)
let used = pool.length
let lastMs = 0
let counter = 0

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, a 12-bit counter that keeps ids of one process in order, 62 random bits. */
export function newId(wallMs: number): string {
  if (wallMs > lastMs) {
    lastMs = wallMs
    counter = 0
  } else if (++counter > 0xfff) {
    lastMs++
    counter = 0
  }
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.subarray(used, used + 16)
  used += 16
  const time = lastMs.toString(16).padStart(12, '0')
  const low = (counter | 0x7000).toString(16)
  const variant = hex[(random[0]! & 0x3f) | 0x80]! + hex[random[1]!]!
  let node = ''
  for (let place = 2; place < 8; place++) node += hex[random[place]!]
  return `${time.slice(0, 8)}-${time.slice(8)}-${low}-${variant}-${node}`
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export const isId = (text: string): boolean => uuid.test(text)
