import { describe, expect, it } from 'vitest'
import { readNdjson } from '../../src/formats/framing/ndjson.ts'
import type { Reading } from '../../src/formats/framing/reading.ts'
import type { Piece } from '../../src/records/exchange.ts'
import { cutInto } from '../contract/format-sample.ts'
import { listener } from './listener.ts'

function hear(
  pieces: readonly Piece[],
  clean = true,
  limit?: number,
): { values: unknown[]; times: number[]; reading: Reading } {
  const heard = listener()
  const reading = readNdjson(pieces, clean, heard, limit)
  return { reading, values: heard.values, times: heard.times }
}

const text = '\ufeff{"a":"👋 é"}\r\n\n  \n{"b":"\\ud83d"}\n{"c":3}'

describe('lines of JSON', () => {
  it.each([1, 2, 3, 7, 1000])('are read in pieces of %i bytes', (length) => {
    const heard = hear(cutInto(Buffer.from(text), length))
    expect(heard.values).toEqual([{ a: '👋 é' }, { b: '\ud83d' }, { c: 3 }])
    expect(heard.reading).toMatchObject({ events: 3, badEvents: 0 })
  })

  it('have the time of the piece that ended them', () => {
    const heard = hear([
      { offset: 0, atMs: 1, bytes: Buffer.from('{"a":') },
      { offset: 5, atMs: 2, bytes: Buffer.from('1}\n{"b":2}') },
      { offset: 15, atMs: 3, bytes: Buffer.from('\n{"c":3}') },
    ])
    expect(heard.times).toEqual([2, 3, 3])
  })

  it('count a line that is no JSON and read the rest', () => {
    expect(hear(cutInto(Buffer.from('{"a":1}\nnope\nnull\n{"b":2}\n'), 5))).toMatchObject({
      values: [{ a: 1 }, { b: 2 }],
      reading: { events: 4, badEvents: 1 },
    })
  })

  it('lose a torn last line after a cut, and only that', () => {
    expect(hear(cutInto(Buffer.from('{"a":1}\n{"b":'), 4), false)).toMatchObject({
      values: [{ a: 1 }],
      reading: { events: 1, badEvents: 0 },
    })
    expect(hear(cutInto(Buffer.from('{"a":1}\n{"b":'), 4), true).reading).toMatchObject({ events: 2, badEvents: 1 })
  })

  it('skip a line above the limit to its end', () => {
    const lines = `1\n"${'x'.repeat(300)}"\n2\n"${'x'.repeat(300)}"\n3`
    for (const length of [1, 10, 5000]) {
      expect(hear(cutInto(Buffer.from(lines), length), true, 100)).toMatchObject({
        values: [1, 2, 3],
        reading: { tooLarge: 2 },
      })
    }
  })

  it('go on at the next line after a gap', () => {
    const heard = hear([
      { offset: 0, atMs: 1, bytes: Buffer.from('1\n{"torn":') },
      { offset: 500, atMs: 2, bytes: Buffer.from('2}\n8\n9\n') },
    ])
    expect(heard).toMatchObject({ values: [1, 8, 9], reading: { gaps: 1, badEvents: 0 } })
  })

  it('may be a megabyte long', () => {
    const line = JSON.stringify({ context: Array.from({ length: 200_000 }, (_, token) => token) })
    expect(hear(cutInto(Buffer.from(`${line}\n`), 1400)).values).toHaveLength(1)
  })
})
