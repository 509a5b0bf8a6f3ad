import { describe, expect, it } from 'vitest'
import { decimalText } from '../../src/formats/decimal-text.ts'
import { edgesOf } from '../../src/formats/framing/json-edges.ts'
import { bytesOfBase64, imageFrom, placeholder } from '../../src/formats/request-text.ts'

describe('the edges of a large JSON object', () => {
  const tail = '0.3]}],"model":"m","usage":{"prompt_tokens":8}}\n'

  it('give its first members', () => {
    expect(edgesOf(' {"id":"x","n":[1,{"a":"}"}],"s":"a\\"b","data":[{"em', '')).toEqual({
      id: 'x',
      n: [1, { a: '}' }],
      s: 'a"b',
    })
  })

  it('give its last members', () => {
    expect(edgesOf('{"data":[', tail)).toEqual({ model: 'm', usage: { prompt_tokens: 8 } })
  })

  it('never take a member from within', () => {
    expect(edgesOf('', ',"usage":{"prompt_tokens":1}}]}')).toEqual({})
    expect(edgesOf('', 'say \\"usage\\":{\\"prompt_tokens\\":1}"}')).toEqual({})
    expect(edgesOf('', ',"usage":{"prompt_tokens":1}} more')).toEqual({})
    expect(edgesOf('', ',"usage":{"prompt_')).toEqual({})
  })

  it('survive anything', () => {
    for (const text of [
      '',
      '{',
      '{"',
      '{"a',
      '{"a":',
      '{"a":"',
      '{"a":1',
      '{"a":tru',
      '[',
      '"',
      '{"__proto__":{"x":1},"b":2',
      '{{{{',
      '{"a":}',
    ]) {
      expect(() => edgesOf(text, text)).not.toThrow()
    }
  })
})

describe('decimal text', () => {
  it.each<[unknown, string | null]>([
    [0, '0'],
    [1.5, '1.5'],
    [1e-9, '0.000000001'],
    [1.25e-7, '0.000000125'],
    [1e21, '1000000000000000000000'],
    [1.5e22, '15000000000000000000000'],
    ['0.10', '0.1'],
    ['007', '7'],
    [-1, null],
    [Number.NaN, null],
    [null, null],
    ['1e9999', null],
  ])('of %j is %j', (value, expected) => {
    expect(decimalText(value)).toBe(expected)
  })
})

describe('placeholders', () => {
  it('say what it was and how much', () => {
    expect(placeholder('image', 12_345)).toBe('[image 12 kB]')
    expect(placeholder('audio', 999)).toBe('[audio 999 B]')
    expect(placeholder('file', 2_500_000)).toBe('[file 2.5 MB]')
    expect(placeholder('file', null)).toBe('[file]')
    expect(bytesOfBase64('AAAA')).toBe(3)
    expect(bytesOfBase64('AA==')).toBe(1)
    expect(imageFrom('data:image/png;base64,AAAA')).toEqual({ bytes: 3, detail: null, url: false })
  })
})
