import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { observe } from '../../src/formats/observe.ts'
import type { Observed } from '../../src/formats/observed.ts'
import type { Piece } from '../../src/records/exchange.ts'
import { cutAt, cutInto, exchangeOf, type FormatSample, joined, piecesOf } from './format-sample.ts'

export type { FormatSample } from './format-sample.ts'

const pepper = 'test'

/** What every format promises for every sample: the expected meaning, however the bytes are cut, coded or spoilt. */
export function formatSuite(sample: FormatSample): void {
  const pieces = piecesOf(sample)
  const bytes = joined(pieces)
  const seen = (given: readonly Piece[], coding?: string): Observed =>
    observe(exchangeOf(sample, coding ? { pieces: given, coding } : { pieces: given }), sample.provider, pepper)

  describe(sample.name, () => {
    it('is read as expected', () => {
      expect(seen(pieces)).toMatchObject(sample.expect)
    })

    it('says the same wherever it is cut', () => {
      const whole = timeless(seen(pieces))
      expect(timeless(seen(cutInto(bytes, 1)))).toEqual(whole)
      for (const place of cutPlaces(bytes.length)) {
        const cut = timeless(seen(cutAt(bytes, place)))
        if (JSON.stringify(cut) !== JSON.stringify(whole)) expect(cut, `cut at ${place}`).toEqual(whole)
      }
    })

    if (bytes.length > 0 && !isCoded(sample)) {
      it.each(codings)('says the same in %s', (coding, encode) => {
        const coded = cutInto(encode(bytes), 7)
        const { readWhole, ...whole } = timeless(seen(pieces))
        expect(timeless(seen(coded, coding))).toEqual({ ...whole, readWhole })
      })
    }

    it('survives spoilt bytes', () => {
      fc.assert(
        fc.property(spoiling(bytes.length), (change) => {
          const spoilt = change(bytes)
          expect(() => seen(cutInto(spoilt, Math.max(1, Math.ceil(spoilt.length / 5))))).not.toThrow()
        }),
        { numRuns: 60 },
      )
    })

    const { framing } = seen(pieces)
    const strangers = isCoded(sample) ? [] : strangersFor(framing)
    if (strangers.length > 0) {
      it('keeps all the rest beside events that nobody can read', () => {
        const whole = timeless(seen(pieces)).decoded
        for (const border of eventBorders(bytes, framing)) {
          for (const stranger of strangers) {
            const more = Buffer.concat([bytes.subarray(0, border), Buffer.from(stranger), bytes.subarray(border)])
            expect(timeless(seen(cutInto(more, more.length))).decoded, `${stranger} at ${border}`).toEqual(whole)
          }
        }
      })
    }
  })
}

const codings: [string, (bytes: Uint8Array) => Uint8Array][] = [
  ['gzip', (bytes) => gzipSync(bytes)],
  ['br', (bytes) => brotliCompressSync(bytes)],
  ['zstd', (bytes) => zstdCompressSync(bytes)],
  ['deflate', (bytes) => deflateSync(bytes)],
  ['Deflate', (bytes) => deflateRawSync(bytes)],
  ['gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))],
]

const isCoded = (sample: FormatSample): boolean =>
  sample.response.headers.some(([name]) => name.toLowerCase() === 'content-encoding')

/** Everything but the times, which follow the pieces. */
function timeless(observed: Observed): Observed {
  if (!observed.decoded) return observed
  const times = { firstContentAtMs: null, firstAnswerAtMs: null, lastContentAtMs: null, contentAtMs: [] }
  return { ...observed, decoded: { ...observed.decoded, ...times } }
}

/** Every place of a small body; of a large one the first and last hundreds and every 7th, 11th … between. */
function cutPlaces(length: number): number[] {
  const step = length <= 3000 ? 1 : Math.max(2, Math.ceil(length / 700))
  const places: number[] = []
  for (let place = 1; place < length; place += place < 300 || length - place < 300 ? 1 : step) places.push(place)
  return places
}

function spoiling(length: number): fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> {
  const place = fc.nat(Math.max(0, length - 1))
  const some = fc.uint8Array({ minLength: 1, maxLength: 12 })
  return fc.oneof(
    fc.tuple(place, some).map(([at, put]) => (bytes: Uint8Array) => {
      const changed = Uint8Array.from(bytes)
      changed.set(put.subarray(0, Math.max(0, bytes.length - at)), at)
      return changed
    }),
    fc.tuple(place, fc.nat(40)).map(([at, count]) => (bytes: Uint8Array) => {
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)])
    }),
    fc.tuple(place, some).map(([at, put]) => (bytes: Uint8Array) => {
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)])
    }),
    place.map((at) => (bytes: Uint8Array) => bytes.subarray(0, at)),
    fc.tuple(fc.nat(20), fc.constantFrom(...wrongValues)).map(([nth, wrong]) => (bytes: Uint8Array) => {
      let count = 0
      const text = Buffer.from(bytes).toString('latin1')
      return Buffer.from(
        text.replace(/:\s*("[^"]*"|-?\d+|\{|\[|null|true)/g, (found) => (count++ === nth ? `:${wrong}` : found)),
        'latin1',
      )
    }),
  )
}

const wrongValues = [
  'null',
  '-1',
  '1e400',
  '123456789012345678901234567890',
  '"text"',
  '[]',
  '{}',
  '[[{"index":4000000000}]]',
  '{"__proto__":{"text":"x"}}',
  '"\\ud83d"',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
]

function strangersFor(framing: Observed['framing']): string[] {
  if (framing === 'sse') {
    return [
      'data: {"broken\n\n',
      ': comment\n\n',
      'event: unheard-of\ndata: {"type":"unheard_of"}\n\n',
      'data: null\n\n',
      'id: 7\n\n',
    ]
  }
  if (framing === 'json-array') return ['{"broken\n,', '{"broken":]}\n,', 'null,', '{"type":"unheard_of"},', ' \r\n ,']
  return framing === 'ndjson' ? ['{"broken\n', '\n', 'null\n', '\r\n'] : []
}

/** Where one event has ended and the next has not begun; after the byte order mark that may stand before all. */
function eventBorders(bytes: Uint8Array, framing: Observed['framing']): number[] {
  const text = Buffer.from(bytes).toString('latin1')
  // behind the bracket, and behind each comma between two elements
  if (framing === 'json-array') return [...text.matchAll(/^\s*\[|\n,/g)].map((found) => found.index + found[0].length)
  const border = framing === 'sse' ? /(?:\r\n|\n|\r(?!\n)){2}/g : /\n/g
  const ends = [...text.matchAll(border)].map((match) => match.index + match[0].length)
  return [text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0, ...ends.slice(0, 30)]
}
