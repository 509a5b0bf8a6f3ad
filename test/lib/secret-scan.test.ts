import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hintOf, holdsSecret } from '../../src/lib/secret-scan.ts'

const pepper = 'a pepper for tests'
const secret = fc.uint8Array({ minLength: 16, maxLength: 80 })

it('finds a secret wherever it stands, and only with the right pepper', () => {
  fc.assert(
    fc.property(secret, fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (key, before, after) => {
      const hints = [hintOf(key, pepper)]
      const text = Buffer.concat([before, key, after])
      expect(holdsSecret(text, hints, pepper)).toBe(true)
      expect(holdsSecret(text, hints, 'another pepper')).toBe(false)
    }),
  )
})

it('says nothing of bytes that do not hold it', () => {
  fc.assert(
    fc.property(secret, fc.uint8Array({ maxLength: 400 }), (key, text) => {
      expect(holdsSecret(text, [hintOf(key, pepper)], pepper)).toBe(Buffer.from(text).includes(Buffer.from(key)))
    }),
  )
})
