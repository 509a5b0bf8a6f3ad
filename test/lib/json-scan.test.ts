import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JsonKind, JsonScan, type JsonWatcher } from '../../src/lib/json-scan.ts'

/** Everything a scan tells, with the text each value covers. Cut into pieces of `size` bytes. */
function scanned(text: string, size = Number.POSITIVE_INFINITY) {
  const bytes = Buffer.from(text)
  const told: [depth: number, kind: JsonKind, name: string | null, value: string][] = []
  const keys: number[] = []
  const commas: number[] = []
  const open: number[] = []
  let base = 0
  const watcher: JsonWatcher = {
    begin: (_depth, _kind, _name, at) => open.push(base + at),
    end: (depth, kind, name, at) => {
      told.push([depth, kind, name, bytes.subarray(open.pop(), base + at).toString()])
    },
    key: (_depth, at) => keys.push(base + at),
    comma: (_depth, at) => commas.push(base + at),
  }
  const scan = new JsonScan(watcher)
  for (; base < bytes.length; base += size) scan.push(bytes.subarray(base, base + size))
  return { told, keys, commas, whole: scan.whole, broken: scan.broken }
}

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('a scan of JSON', () => {
  it('tells members and their members, with kind, name and place, and nothing below', () => {
    const text = '{"a": [1, {"x": 2}] , "b":{"c":"d\\"","e":{"f":null}}, "g":true,"h":false,"i":-1.5e+3 }'
    const { told, whole } = scanned(text)
    expect(whole).toBe(true)
    expect(told).toEqual([
      [2, 'number', null, '1'],
      [2, 'object', null, '{"x": 2}'],
      [1, 'array', 'a', '[1, {"x": 2}]'],
      [2, 'string', 'c', '"d\\""'],
      [2, 'object', 'e', '{"f":null}'],
      [1, 'object', 'b', '{"c":"d\\"","e":{"f":null}}'],
      [1, 'true', 'g', 'true'],
      [1, 'false', 'h', 'false'],
      [1, 'number', 'i', '-1.5e+3'],
      [0, 'object', null, text],
    ])
  })

  it('unescapes names', () => {
    expect(scanned('{"str\\u0065am":1,"a\\/b\\n":2,"\\u005Cu0061":3}').told.map(([, , name]) => name)).toEqual([
      'stream',
      'a/b\n',
      '\\u0061',
      null,
    ])
  })

  it('tells where names and commas stand', () => {
    const { keys, commas } = scanned('{ "a":1 , "b":[2,{"c":3,"d":4}] }')
    expect(keys).toEqual([2, 10])
    expect(commas).toEqual([8, 16])
  })

  it('keeps no more of a name than anything one looks for, escaped or not', () => {
    for (const letter of ['x', '\\u0078', 'ä']) {
      const [first] = scanned(`{"${letter.repeat(100_000)}":1}`).told
      expect(first![2]!.length).toBeLessThan(300)
    }
  })

  it('gives up on what is nested deeper than anything real', () => {
    expect(scanned('['.repeat(999) + ']'.repeat(999)).whole).toBe(true)
    expect(scanned('['.repeat(2000) + ']'.repeat(2000)).broken).toBe(true)
  })

  it('can be used again', () => {
    const scan = new JsonScan({ begin: () => {}, end: () => {} })
    for (const text of ['{"a":[', '{"a', '[tru', 'x', '{}']) {
      scan.reset()
      scan.push(Buffer.from(text))
    }
    expect(scan.whole).toBe(true)
  })

  it.each([
    '',
    ' ',
    '{',
    '{}',
    ' [ ] ',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,"a":1}',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a":1 "b":2}',
    '{"a":1]',
    '[1}',
    '{1:2}',
    '01',
    '-',
    '-0',
    '1.',
    '.5',
    '1.5',
    '1e',
    '1e5',
    '1E+05',
    '1e-',
    '+1',
    '1x',
    'tru',
    'truE',
    'nulll',
    'true',
    'null',
    '"',
    '"a',
    '"\\x"',
    '"\\u12g4"',
    '"\\u12"',
    '"\\u12aF"',
    '"\t"',
    '"\u007f"',
    '"\\',
    '{}{}',
    '{} x',
    '\ufeff{}',
    '\u00a0{}',
    '[[]',
    ']',
    '}',
    '{"a"::1}',
    '{"a":1,,"b":1}',
    'NaN',
  ])('is as strict as JSON.parse: %j', (text) => {
    expect(scanned(text).whole).toBe(parses(text))
    expect(scanned(text, 1).whole).toBe(parses(text))
  })

  it('is as strict as JSON.parse on any JSON, damaged or not, however it is cut', () => {
    const damaged = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', '\\', '0', ' ', '\n', 'e', '-', ':'),
        fc.nat(2),
      )
      .map(([text, at, what, out]) => {
        const place = at % (text.length + 1)
        return text.slice(0, place) + what + text.slice(place + out)
      })
    fc.assert(
      fc.property(damaged, fc.integer({ min: 1, max: 5 }), (text, size) => {
        const { whole } = scanned(text, size)
        expect(whole).toBe(parses(text))
      }),
      { numRuns: 3000 },
    )
  })

  it('tells every member of any object as JSON.parse has it, however it is cut', () => {
    const ascii = fc.string({ unit: 'binary-ascii', maxLength: 20 })
    const objects = fc.dictionary(ascii, fc.jsonValue(), { maxKeys: 6 })
    fc.assert(
      fc.property(objects, fc.integer({ min: 1, max: 7 }), fc.constantFrom(0, 1, 4), (object, size, space) => {
        const { told } = scanned(JSON.stringify(object, null, space), size)
        const members = told.filter(([depth]) => depth === 1)
        const parsed = JSON.parse(JSON.stringify(object)) as Record<string, unknown>
        expect(members.map(([, , name, value]) => [name, JSON.parse(value)])).toEqual(Object.entries(parsed))
      }),
      { numRuns: 1000 },
    )
  })
})
