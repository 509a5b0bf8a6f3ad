import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ArrayReading, readJsonArray } from '../../src/formats/framing/json-array.ts'
import type { Piece } from '../../src/records/exchange.ts'
import { cutAt, cutInto } from '../contract/format-sample.ts'
import { listener } from './listener.ts'

interface Heard {
  values: unknown[]
  times: number[]
  reading: ArrayReading
}

function hear(pieces: readonly Piece[], clean = true, limit?: number): Heard {
  const heard = listener()
  const reading = readJsonArray(pieces, clean, heard, limit)
  return { values: heard.values, times: heard.times, reading }
}

const inOne = (text: string, clean = true, limit?: number): Heard =>
  hear(cutInto(Buffer.from(text), 1 << 30), clean, limit)

const text = '\ufeff [{"a":"👋 ]}, \\"{"}\n,\r\n{\n  "b": [1, {"c": "\\\\"}]\n}\n,\n"d" , 5,null\n,\n[true]\n]\n'
const values = [{ a: '👋 ]}, "{' }, { b: [1, { c: '\\' }] }, 'd', 5, [true]]

describe('a JSON array that is a stream', () => {
  it('is read wherever it is cut', () => {
    const bytes = Buffer.from(text)
    for (let place = 1; place < bytes.length; place++) {
      const heard = hear(cutAt(bytes, place))
      expect(heard.values, `cut at ${place}`).toEqual(values)
      expect(heard.reading).toMatchObject({ events: 6, badEvents: 0, closed: true })
    }
    expect(hear(cutInto(bytes, 1)).values).toEqual(values)
  })

  it('gives each element the time of the piece with its last byte', () => {
    const pieces = ['[', '{"a":', '1}', '\n,\n{"a":2}\n,\n{"a"', ':3}\n', ']']
    let offset = 0
    const timed = pieces.map((piece, atMs): Piece => {
      const bytes = Buffer.from(piece)
      offset += bytes.length
      return { offset: offset - bytes.length, atMs, bytes }
    })
    expect(hear(timed).times).toEqual([2, 3, 4])
  })

  it.each([
    ['nothing', '[]', []],
    ['white space', ' [ \n\n ] \n', []],
    ['one element', '[{"a":1}]', [{ a: 1 }]],
    ['elements without line breaks', '[{"a":1},{"a":2},{"a":3}]', [{ a: 1 }, { a: 2 }, { a: 3 }]],
    [
      'commas before elements that are laid out so',
      '[{"a":1\n,"b":[2\n,3]}\n,\n{"a":4}]',
      [{ a: 1, b: [2, 3] }, { a: 4 }],
    ],
  ])('holds %s', (_what, whole, expected) => {
    expect(inOne(whole)).toMatchObject({ values: expected, reading: { badEvents: 0, closed: true } })
  })

  it.each([
    ['a string without its end', '{"broken'],
    ['a bracket too few', '{"a":[{"b":1}}'],
    ['no value', '{"a":}'],
    ['a word that is none', 'nope'],
    ['a torn key', '{"a":1,"'],
    ['an object that goes on into the next', '{"a":1'],
  ])('loses an element with %s, and only that', (_what, broken) => {
    const heard = inOne(`[{"n":1}\n,\n${broken}\n,\n{"n":2}\n,\n{"n":3}\n]`)
    expect(heard.values).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(heard.reading.badEvents).toBeGreaterThan(0)
  })

  it('loses nothing to a bracket too many, and counts it', () => {
    expect(inOne('[{"n":1}}\n,\n{"n":2}\n]')).toMatchObject({
      values: [{ n: 1 }, { n: 2 }],
      reading: { badEvents: 1 },
    })
  })

  it('does not count what a break of the connection tore', () => {
    const torn = '[{"a":1}\n,\n{"a":"x'
    expect(inOne(torn, false)).toMatchObject({
      values: [{ a: 1 }],
      reading: { events: 1, badEvents: 0, closed: false },
    })
    expect(inOne(torn, true)).toMatchObject({ values: [{ a: 1 }], reading: { events: 2, badEvents: 1, closed: false } })
  })

  it('goes on behind a gap at the next element', () => {
    const start = Buffer.from('[{"a":1}\n,\n{"a":"lost')
    const end = Buffer.from('lost"}\n,\n{"a":2}\n]')
    const pieces = [
      { offset: 0, atMs: 1, bytes: start },
      { offset: 10_000, atMs: 2, bytes: end },
    ]
    expect(hear(pieces)).toMatchObject({
      values: [{ a: 1 }, { a: 2 }],
      times: [1, 2],
      reading: { gaps: 1, badEvents: 0, closed: true },
    })
    expect(hear([pieces[1]!]).values).toEqual([{ a: 2 }])
  })

  it('skips an element above the limit to its end', () => {
    const heard = inOne(`[1\n,\n{"long":"${'x'.repeat(300)}"}\n,\n2]`, true, 100)
    expect(heard).toMatchObject({ values: [1, 2], reading: { tooLarge: 1, badEvents: 0, events: 2 } })
  })

  it('reads on behind the end of the array', () => {
    expect(inOne('[1]\n,\n2')).toMatchObject({ values: [1, 2], reading: { closed: true } })
  })

  it('takes time in proportion to its length, whatever it holds', () => {
    // each of these elements runs to the end of the body before it is known to be broken
    const body = `[${'{"a":[\n,'.repeat(100_000)}`
    const startMs = performance.now()
    expect(inOne(body).reading.badEvents).toBeGreaterThan(0)
    expect(performance.now() - startMs).toBeLessThan(5000)
  })

  it('survives anything', () => {
    const bits = fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', '\n', '\n,', ':', '1', 'a', 'é', ' ')
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 60 }), fc.boolean(), (parts, clean) => {
        const bytes = Buffer.from(`[${parts.join('')}`)
        const whole = hear(cutInto(bytes, bytes.length), clean)
        expect(hear(cutInto(bytes, 1), clean)).toMatchObject({ values: whole.values, reading: whole.reading })
      }),
    )
  })

  it('gives every element back that JSON can write', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue().filter((value) => value !== null)),
        fc.constantFrom('\n,\n', ',', ' , '),
        (list, comma) => {
          const written = `[${list.map((value) => JSON.stringify(value)).join(comma)}]`
          expect(inOne(written).values).toEqual(JSON.parse(written))
        },
      ),
    )
  })
})
