import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { maskTarget, Secrets } from '../../src/proxy/secrets.ts'
import { Tap } from '../../src/proxy/tap.ts'
import type { ExchangeOpen } from '../../src/records/exchange.ts'
import { bytesOf, MemoryJournal } from '../support/memory-journal.ts'

const secrets = new Secrets('a pepper')
const key = 'sk-abcabcabcabcabcab'

const close = {
  atMs: 9,
  endBy: null,
  endPhase: 'done',
  failure: null,
  statusSent: 200,
  requestEndAtMs: 1,
  dispatchedAtMs: 1,
  connectedAtMs: 1,
  upstreamComplete: true,
} as const

/** Lets the pieces of an answer pass a tap. */
function tapped(
  pieces: Buffer[],
  options: { limit?: number; length?: number | null; off?: boolean; key?: boolean } = {},
) {
  const journal = new MemoryJournal()
  const { masks } = secrets.of(options.key ? ['authorization', `Bearer ${key}`] : [], '/')
  const open = { captureRequest: 'full', captureResponse: options.off ? 'off' : 'full' } as ExchangeOpen
  const tap = new Tap(journal, { journalBodyLimitBytes: options.limit ?? 1 << 20 }, masks, open, () => {})
  tap.response.expect(options.length ?? null)
  for (const [atMs, piece] of pieces.entries()) tap.response.keep(piece, atMs)
  tap.close(close, () => {})
  return journal.entries[0]!
}

const cuts = (text: Buffer, at: number[]): Buffer[] => {
  const places = [0, ...at.map((place) => place % (text.length + 1)).sort((one, other) => one - other), text.length]
  return places.slice(1).map((place, index) => text.subarray(places[index], place))
}

it('masks the own key wherever pieces are cut, at the same length, and nothing else', () => {
  const texts = fc.array(fc.constantFrom(key, 'sk-', 'sk-abcabcabc', 'a', '"', 'abcab', ' x '), { maxLength: 12 })
  fc.assert(
    fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), (parts, at) => {
      const text = parts.join('')
      const entry = tapped(cuts(Buffer.from(text), at), { key: true })
      expect(bytesOf(entry.response).toString()).toBe(text.replaceAll(key, '*'.repeat(key.length)))
      expect(entry.close).toMatchObject({ responseBytes: text.length, masked: text.includes(key) })
      let offset = 0
      for (const piece of entry.response) {
        expect(piece.offset).toBe(offset)
        offset += piece.bytes.length
      }
    }),
  )
})

it('never changes the bytes it was lent', () => {
  const lent = Buffer.from(`before ${key} after`)
  tapped([lent], { key: true })
  expect(lent.toString()).toBe(`before ${key} after`)
})

it('keeps the head and a rolling tail of what is too long, with the gap told by the offsets', () => {
  const pieces = Array.from({ length: 300 }, (_, place) => Buffer.alloc(1000, place % 251))
  const entry = tapped(pieces, { limit: 2500 })
  const all = Buffer.concat(pieces)
  const tail = entry.response.filter(({ offset }) => offset >= 2500)
  expect(bytesOf(entry.response.filter(({ offset }) => offset < 2500))).toEqual(all.subarray(0, 2500))
  expect(bytesOf(tail)).toEqual(all.subarray(tail[0]!.offset))
  expect(bytesOf(tail).length).toBeGreaterThanOrEqual(64 * 1024)
  expect(bytesOf(tail).length).toBeLessThan(66 * 1024)
  expect(entry.close).toMatchObject({
    responseBytes: 300_000,
    responseSha256: createHash('sha256').update(all).digest('hex'),
  })
})

it('writes no byte of what is not to be captured, but counts and hashes it', () => {
  const entry = tapped([Buffer.from('secret '), Buffer.from('talk')], { off: true })
  expect(entry.response).toEqual([])
  expect(entry.close).toMatchObject({
    responseBytes: 11,
    responseSha256: createHash('sha256').update('secret talk').digest('hex'),
  })
})

it('takes the secret values out of a target, whatever their length, and leaves the rest', () => {
  const { masks, keyFingerprint } = secrets.of(['x-api-key', key], `/v1/${key}?key=short&alt=sse&Token=a%20b&x=${key}`)
  expect(maskTarget(`/v1/${key}?key=short&alt=sse&Token=a%20b&x=${key}`, masks)).toBe(
    `/v1/${'*'.repeat(key.length)}?key=*****&alt=sse&Token=*****&x=${'*'.repeat(key.length)}`,
  )
  expect(keyFingerprint).toMatch(/^[0-9a-f]{32}$/)
})

it('leaves placeholders of local servers alone', () => {
  expect(
    secrets.of(['authorization', 'Bearer ollama', 'idempotency-key', 'a-long-value-that-is-no-secret'], '/').masks,
  ).toEqual([])
})

it('knows the password of Basic credentials as well as their coded form', () => {
  const coded = Buffer.from('ann:a password: of 24 letters').toString('base64')
  const { masks } = secrets.of(['Authorization', `Basic ${coded}`], '/')
  expect(masks.map(({ bytes }) => bytes.toString())).toEqual([coded, 'a password: of 24 letters'])
})
