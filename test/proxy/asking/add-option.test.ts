import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { askForUsage } from '../../../src/proxy/asking/add-option.ts'

const ask = (text: string, optionsAsk = false): string | null =>
  askForUsage(Buffer.from(text), optionsAsk).body?.toString() ?? null
const note = (text: string | Buffer): string | null => askForUsage(Buffer.from(text), false).note

describe('a request for a stream is asked for its usage', () => {
  it.each([
    ['{"stream":true}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['{ "stream" : true }\n', '{ "stream" : true,"stream_options":{"include_usage":true} }\n'],
    [
      '{"stream":true,"messages":[{"content":"\\u00e4 ä \\ud83d\\ude00"}],"n":1.0e0}',
      '{"stream":true,"messages":[{"content":"\\u00e4 ä \\ud83d\\ude00"}],"n":1.0e0,"stream_options":{"include_usage":true}}',
    ],
    ['{"str\\u0065am":true,"n":1}', '{"str\\u0065am":true,"n":1,"stream_options":{"include_usage":true}}'],
    ['{"stream_options":{},"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    ['{"stream_options": { } ,"stream":true}', '{"stream_options": {"include_usage":true } ,"stream":true}'],
    [
      '{"stream_options":{"include_obfuscation":false },"stream":true}',
      '{"stream_options":{"include_obfuscation":false,"include_usage":true },"stream":true}',
    ],
    [
      '{"stream_options":{"a":{"include_usage":true}},"stream":true}',
      '{"stream_options":{"a":{"include_usage":true},"include_usage":true},"stream":true}',
    ],
    ['{"stream\\u005foptions":{},"stream":true}', '{"stream\\u005foptions":{"include_usage":true},"stream":true}'],
    ['{"stream_options":null,"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    ['{"stream":false,"stream":true}', '{"stream":false,"stream":true,"stream_options":{"include_usage":true}}'],
    [
      '{"stream_options":{"include_usage":false},"stream":true,"stream_options":{}}',
      '{"stream_options":{"include_usage":false},"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"metadata":{"stream_options":{"include_usage":true}},"stream":true}',
      '{"metadata":{"stream_options":{"include_usage":true}},"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"stream":true,"x":"\\"stream_options\\":{}"}',
      '{"stream":true,"x":"\\"stream_options\\":{}","stream_options":{"include_usage":true}}',
    ],
  ])('%s', (given, wanted) => {
    expect(ask(given)).toBe(wanted)
    expect(note(given)).toBeNull()
  })
})

describe('a request is left alone without a word', () => {
  it.each([
    '{}',
    '{"stream":false}',
    '{"stream":null}',
    '{"stream":"true"}',
    '{"stream":1}',
    '{"stream":[true]}',
    '{"stream":true,"stream":false}',
    '{"messages":[{"stream":true}]}',
    '{"metadata":{"stream":true}}',
    '{"x":"\\"stream\\":true"}',
    '{"Stream":true}',
    '{"stream\\u0000":true}',
    '{"stream":true,"stream_options":{"include_usage":true}}',
    '{"stream":true,"stream_options":{"include_usage":false}}',
    '{"stream":true,"stream_options":{"include_usage":null}}',
    '{"stream":true,"stream_options":{"include\\u005fusage":false}}',
    '{"stream":true,"stream_options":{"a":1,"include_usage":false,"b":2}}',
  ])('%s', (given) => {
    expect(askForUsage(Buffer.from(given), false)).toEqual({ body: null, note: null })
  })

  it('where any stream_options are a yes to the server', () => {
    expect(ask('{"stream":true,"stream_options":{}}', true)).toBeNull()
    expect(ask('{"stream":true,"stream_options":null}', true)).toContain('include_usage')
    expect(ask('{"stream":true}', true)).toContain('include_usage')
  })
})

describe('a request is left alone with a note', () => {
  it.each([
    ['', 'no JSON'],
    ['hello', 'no JSON'],
    ['{"stream":true', 'no JSON'],
    ['{"stream":true}}', 'no JSON'],
    ['{"stream":true,}', 'no JSON'],
    ['\ufeff{"stream":true}', 'no JSON'],
    ['{"stream":true,"stream_options":"x"}', 'no object'],
    ['{"stream":true,"stream_options":[]}', 'no object'],
  ])('%j', (given, why) => {
    expect(ask(given)).toBeNull()
    expect(note(given)).toContain(why)
  })

  it('that is no UTF-8', () => {
    expect(note(Buffer.from([...Buffer.from('{"stream":true,"x":"'), 0xff, ...Buffer.from('"}')]))).toContain('no JSON')
  })
})

const keys = fc.oneof(
  fc.constantFrom('stream', 'stream_options', 'messages', 'metadata', 'model', '', 'include_usage'),
  fc.string({ maxLength: 8 }),
)
const options = fc.dictionary(
  fc.oneof(fc.constantFrom('include_usage', 'include_obfuscation', 'a"b'), fc.string()),
  fc.jsonValue(),
  {
    maxKeys: 3,
  },
)
const bodies = fc
  .tuple(
    fc.dictionary(keys, fc.jsonValue(), { maxKeys: 6 }),
    fc.boolean(),
    fc.option(options),
    fc.constantFrom(0, 1, 2),
  )
  .map(([rest, stream, given, space]) => {
    const body = { ...rest, stream, ...(given && { stream_options: given }) }
    return JSON.stringify(body, null, space)
  })

it('makes of any request the same request and that one member, and nothing of a request that is not to be asked', () => {
  fc.assert(
    fc.property(bodies, (text) => {
      const asked = ask(text)
      const before = JSON.parse(text) as { stream: boolean; stream_options?: Record<string, unknown> | null }
      const given = before.stream_options
      const says = typeof given === 'object' && given !== null && Object.hasOwn(given, 'include_usage')
      const isObject = given === undefined || given === null || (typeof given === 'object' && !Array.isArray(given))
      const wanted = before.stream && !says && isObject
      expect(asked !== null).toBe(wanted)
      if (!wanted) return
      expect(JSON.parse(asked!)).toEqual({ ...before, stream_options: { ...given, include_usage: true } })
      // all other bytes, in order: what was added stands in one place, but for a null that it replaces
      const shared = text.split('').findIndex((letter, at) => asked![at] !== letter)
      const tail = text.length - shared - (given === null ? 'null'.length : 0)
      expect(asked!.slice(0, shared)).toBe(text.slice(0, shared))
      expect(asked!.slice(asked!.length - tail)).toBe(text.slice(text.length - tail))
    }),
    { numRuns: 3000 },
  )
})

it('is not fooled by names that are escaped, doubled or nested', () => {
  const escaped = (name: string): fc.Arbitrary<string> =>
    fc
      .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
      .map((which) =>
        [...name]
          .map((letter, at) => (which[at] ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}` : letter))
          .join(''),
      )
  const member = fc
    .tuple(
      fc.constantFrom('stream', 'stream_options', 'x').chain(escaped),
      fc.constantFrom(
        'true',
        'false',
        '{}',
        '{"include_usage":false}',
        '{"stream":true}',
        '[{"stream":true}]',
        '"\\"stream\\":true"',
        'null',
      ),
    )
    .map(([name, value]) => `"${name}" :${value}`)
  fc.assert(
    fc.property(fc.array(member, { maxLength: 7 }), (members) => {
      const text = `{${members.join(' , ')}}`
      const before = JSON.parse(text) as { stream?: unknown; stream_options?: unknown }
      const given = before.stream_options ?? {}
      const isObject = typeof given === 'object' && !Array.isArray(given)
      const wanted = before.stream === true && isObject && !Object.hasOwn(given, 'include_usage')
      const asked = ask(text)
      expect(asked !== null).toBe(wanted)
      if (asked !== null)
        expect(JSON.parse(asked)).toEqual({ ...before, stream_options: { ...given, include_usage: true } })
    }),
    { numRuns: 3000 },
  )
})
