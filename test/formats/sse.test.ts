import { describe, expect, it } from 'vitest'
import type { Reading } from '../../src/formats/framing/reading.ts'
import { readSse } from '../../src/formats/framing/sse.ts'
import type { Piece } from '../../src/records/exchange.ts'
import { cutAt, cutInto } from '../contract/format-sample.ts'

interface Heard {
  values: unknown[]
  names: (string | null)[]
  times: number[]
  done: number
  reading: Reading
}

function hear(pieces: readonly Piece[], clean = true, limit?: number): Heard {
  const heard: Omit<Heard, 'reading'> = { values: [], names: [], times: [], done: 0 }
  const reading = readSse(
    pieces,
    clean,
    {
      value(value, atMs, name) {
        heard.values.push(value)
        heard.names.push(name)
        heard.times.push(atMs)
      },
      done() {
        heard.done++
      },
    },
    limit,
  )
  return { ...heard, reading }
}

const inOne = (text: string): Piece[] => cutInto(Buffer.from(text), 1 << 30)

/** The values of a text, which must be the same in one piece, cut at every byte, and byte by byte. */
function valuesOf(text: string, clean = true): unknown[] {
  const bytes = Buffer.from(text)
  const whole = hear(cutInto(bytes, bytes.length), clean)
  const { times: _, ...same } = whole
  for (let place = 1; place < bytes.length; place++) {
    expect(hear(cutAt(bytes, place), clean), `cut at ${place}`).toMatchObject(same)
  }
  expect(hear(cutInto(bytes, 1), clean)).toMatchObject(same)
  return whole.values
}

describe('server-sent events', () => {
  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['a lone CR', '\r'],
  ])('reads lines that end with %s', (_name, end) => {
    expect(valuesOf(`: hi${end}data: {"a":1}${end}${end}event: x${end}data:{"a":2}${end}${end}`)).toEqual([
      { a: 1 },
      { a: 2 },
    ])
  })

  it('reads mixed line ends', () => {
    expect(valuesOf('data: 1\n\r\ndata: 2\r\n\rdata: 3\r\rdata: 4\r\n\r\n')).toEqual([1, 2, 3, 4])
  })

  it('keeps line separators of Unicode inside a JSON text', () => {
    const text = 'a\u2028b\u2029c\u0085d'
    expect(valuesOf(`data: {"t":"${text}"}\n\n`)).toEqual([{ t: text }])
  })

  it('joins several data lines, and takes one space off each', () => {
    expect(valuesOf('data: {\ndata:   "a":\ndata:1\ndata:}\n\n')).toEqual([{ a: 1 }])
    expect(valuesOf('data:\t{"a":"  b"}\n\n')).toEqual([{ a: '  b' }])
  })

  it('drops a byte order mark at the start and no other', () => {
    expect(valuesOf('\ufeffdata: {"a":"\ufeff"}\n\n')).toEqual([{ a: '\ufeff' }])
    expect(valuesOf('\ufeff\ufeffdata: 1\n\ndata: 2\n\n')).toEqual([2])
  })

  it('counts comments, and takes no event from them', () => {
    const heard = hear(inOne(': OPENROUTER PROCESSING\n\n:\n\ndata: {"a":\n: inside\ndata: 1}\n\n'))
    expect(heard.values).toEqual([{ a: 1 }])
    expect(heard.reading).toMatchObject({ comments: 3, events: 1, badEvents: 0 })
  })

  it('passes the name of an event on, wherever it stands', () => {
    expect(hear(inOne('event: error\ndata: {}\n\ndata: {}\nevent: ping\n\ndata: {}\n\n')).names).toEqual([
      'error',
      'ping',
      null,
    ])
  })

  it('reads a last event without its blank line after a clean end', () => {
    expect(valuesOf('data: 1\n\ndata: {"usage":2}\n')).toEqual([1, { usage: 2 }])
    expect(valuesOf('data: 1\n\ndata: {"usage":2}')).toEqual([1, { usage: 2 }])
    expect(valuesOf('data: 1\r\rdata: {"usage":2}\r')).toEqual([1, { usage: 2 }])
  })

  it('takes a torn last event for nothing at all after a cut, and a complete one as it is', () => {
    const torn = hear(inOne('data: 1\n\ndata: {"text":"Hel'), false)
    expect(torn.values).toEqual([1])
    expect(torn.reading).toMatchObject({ events: 1, badEvents: 0 })
    expect(hear(inOne('data: 1\n\ndata: {"text":"Hello"}'), false).values).toEqual([1, { text: 'Hello' }])
    expect(hear(inOne('data: 1\n\ndata: {"text":'), true).reading).toMatchObject({ events: 2, badEvents: 1 })
  })

  it('knows [DONE] with spaces around it, and ignores what follows', () => {
    const heard = hear(inOne('data: 1\n\ndata:  [DONE] \r\n\r\ndata: 2\n\ndata: [DONE]\n\n'))
    expect(heard).toMatchObject({ values: [1], done: 1, reading: { events: 2 } })
  })

  it('counts an event that is no JSON and reads the rest', () => {
    const heard = hear(inOne('data: {"a"\n\ndata: oops\n\ndata: null\n\ndata:\n\ndata: 1\n\n'))
    expect(heard).toMatchObject({ values: [1], reading: { events: 5, badEvents: 2 } })
  })

  it('dates an event by the piece that completed it', () => {
    const heard = hear([
      { offset: 0, atMs: 5, bytes: Buffer.from('data: {"a"') },
      { offset: 10, atMs: 6, bytes: Buffer.from(':1}\n') },
      { offset: 14, atMs: 7, bytes: Buffer.from('\ndata: 2\n\n') },
    ])
    expect(heard.times).toEqual([7, 7])
  })

  it('replaces bytes that are no UTF-8 and reads on', () => {
    const bytes = Buffer.concat([
      Buffer.from('data: {"a":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"}\n\ndata: 2\n\n'),
    ])
    expect(hear(cutInto(bytes, 3)).values).toEqual([{ a: '\ufffd\ufffd' }, 2])
  })

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['a lone CR', '\r'],
  ])('skips an event above the limit to its end, with %s', (_name, end) => {
    const large = `data: {"big":"${'x'.repeat(500)}",${end}data: "more":${end}data: 1}${end}${end}`
    const text = `data: 1${end}${end}${large}data: 2${end}${end}${large}${large}data: 3${end}${end}`
    for (const length of [1, 3, 50, 10_000]) {
      const heard = hear(cutInto(Buffer.from(text), length), true, 200)
      expect(heard.values, `pieces of ${length}`).toEqual([1, 2, 3])
      expect(heard.reading).toMatchObject({ tooLarge: 3, events: 3 })
    }
  })

  it('skips an event of many lines above the limit', () => {
    const large = `${'data: "some more text"\n'.repeat(40)}\n`
    expect(hear(inOne(`data: 1\n\n${large}data: 2\n\n`), true, 200)).toMatchObject({
      values: [1, 2],
      reading: { tooLarge: 1 },
    })
  })

  it('goes on at the next event after a gap', () => {
    const heard = hear([
      { offset: 0, atMs: 1, bytes: Buffer.from('data: 1\n\ndata: {"torn":') },
      { offset: 900, atMs: 2, bytes: Buffer.from('"rest"}\ndata: 8\n\ndata: 9\n\n') },
    ])
    expect(heard).toMatchObject({ values: [1, 9], reading: { gaps: 1, events: 2, badEvents: 0 } })
  })

  it('keeps an event that is complete JSON before a gap', () => {
    const heard = hear([
      { offset: 0, atMs: 1, bytes: Buffer.from('data: {"usage":1}\n') },
      { offset: 900, atMs: 2, bytes: Buffer.from('x\n\ndata: 9\n\n') },
    ])
    expect(heard).toMatchObject({ values: [{ usage: 1 }, 9], times: [1, 2] })
  })

  it('reads 100,000 tiny events', () => {
    expect(hear(cutInto(Buffer.from('data: 1\n\n'.repeat(100_000)), 1500)).values).toHaveLength(100_000)
  })

  it('reads an 8 MiB event in small pieces', () => {
    const heard = hear(cutInto(Buffer.from(`data: {"image":"${'A'.repeat(8 << 20)}"}\n\n`), 16 << 10))
    expect(heard.values).toHaveLength(1)
  })

  it('reads deep nesting, odd numbers and names without harm', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
    expect(hear(inOne(`data: ${deep}\n\ndata: {"__proto__":{"x":1},"n":1e400,"s":"\\ud83d"}\n\n`)).values).toHaveLength(
      2,
    )
    expect(({} as { x?: number }).x).toBeUndefined()
  })
})
