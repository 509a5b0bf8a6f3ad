import fc from 'fast-check'
import { expect, it } from 'vitest'
import { beginningAtEnd, Secrets } from '../../src/proxy/secrets.ts'

const secretOf = (value: string) => new Secrets('pepper').of(['authorization', `Bearer ${value}`], '/').masks[0]!

it('finds the longest beginning of a secret at the end of bytes, whatever repeats in either', () => {
  const repeating = (minLength: number, maxLength: number) =>
    fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength })
  fc.assert(
    fc.property(repeating(12, 20), repeating(0, 30), fc.nat(19), (value, before, cut) => {
      const text = before + value.slice(0, cut)
      let longest = 0
      for (let length = 1; length < value.length; length++) if (text.endsWith(value.slice(0, length))) longest = length
      expect(beginningAtEnd(Buffer.from(text), secretOf(value))).toBe(longest)
    }),
    { numRuns: 2_000 },
  )
})

it('looks at each byte once, also where a secret of 60 kB nearly repeats itself', () => {
  const half = 'a'.repeat(30_000)
  const secret = secretOf(`${half}b${half}`)
  const piece = Buffer.from('a'.repeat(64_000))
  const from = performance.now()
  for (let round = 0; round < 20; round++) expect(beginningAtEnd(piece, secret)).toBe(30_000)
  expect((performance.now() - from) / 20).toBeLessThan(50)
})
