import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageFilter } from '../../../src/proxy/asking/usage-filter.ts'
import { loadSamples } from '../../support/samples.ts'

/** What passes of a stream that comes in these pieces. */
function passed(pieces: readonly (string | Buffer)[]): { text: string; withheld: number } {
  const filter = new UsageFilter()
  const out = pieces.map((piece) => filter.push(Buffer.from(piece)))
  out.push(filter.end())
  const all = Buffer.concat(out.filter((bytes) => bytes !== null))
  return { text: all.toString('latin1'), withheld: filter.withheldBytes }
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

function bytewise(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  return Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1))
}

/** In one piece, byte by byte, and in two pieces cut at every place. */
function everyCut(asked: string, wanted: string): void {
  const bytes = Buffer.from(asked)
  const want = { text: latin1(wanted), withheld: bytes.length - Buffer.byteLength(wanted) }
  expect(passed([bytes])).toEqual(want)
  expect(passed(bytewise(asked))).toEqual(want)
  for (let at = 0; at <= bytes.length; at++) expect(passed([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(want)
}

const usage =
  '"usage":{"prompt_tokens":16,"completion_tokens":3,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":0}}'
const chunk = (rest: string): string =>
  `data: {"id":"c1","object":"chat.completion.chunk","model":"gpt-4.1",${rest}}\n\n`
const word = (extra = ''): string =>
  chunk(`"choices":[{"index":0,"delta":{"content":"Grüße"}}]${extra},"obfuscation":"y"`)
const done = 'data: [DONE]\n\n'

describe('a stream whose usage was asked for reaches the client as one whose usage was not, wherever it is cut', () => {
  it.each([
    ['the usage chunk', word() + chunk(`"choices":[],${usage}`) + done, word() + done],
    ['the usage chunk, usage first', word() + chunk(`${usage},"choices":[]`) + done, word() + done],
    ['the usage chunk without choices', word() + chunk(usage) + done, word() + done],
    [
      'the usage chunk with null choices',
      word() + chunk(`"choices":null,${usage},"obfuscation":"h9"`) + done,
      word() + done,
    ],
    [
      'a usage of zeros in the usage chunk',
      word() + chunk('"choices":[],"usage":{"prompt_tokens":0}') + done,
      word() + done,
    ],
    ['usage: null in the others', word(',"usage":null') + chunk(`"choices":[],${usage}`) + done, word() + done],
    [
      'usage: null as the first member',
      `data: {"usage": null, "id":1,"choices":[{}]}\n\n`,
      `data: {"id":1,"choices":[{}]}\n\n`,
    ],
    ['usage: null as the only member', 'data: {"usage":null}\n\n', 'data: {}\n\n'],
    ['usage: null twice', 'data: {"usage":null,"usage":null,"a":1}\n\n', 'data: {"a":1}\n\n'],
    ['usage: null twice, at the end', 'data: {"a":1,"usage":null,"usage":null}\n\n', 'data: {"a":1}\n\n'],
    ['usage: null without blanks or with', 'data:{"a" : 1 , "usage" : null }\r\n\r\n', 'data:{"a" : 1  }\r\n\r\n'],
    [
      'a usage of zeros in a chunk with text, as some servers of completions send it',
      'data: {"choices":[{"text":"a"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}\n\n',
      'data: {"choices":[{"text":"a"}]}\n\n',
    ],
    [
      'zeros before the choices',
      'data: {"usage":{"prompt_tokens":0},"choices":[{"text":"a"}]}\n\n',
      'data: {"choices":[{"text":"a"}]}\n\n',
    ],
    ['lines that end in CRLF', `data: {"choices":[],${usage}}\r\n\r\ndata: [DONE]\r\n\r\n`, 'data: [DONE]\r\n\r\n'],
    ['lines that end in CR', `data: {"choices":[],${usage}}\r\rdata: [DONE]\r\r`, 'data: [DONE]\r\r'],
    ['data over several lines', `data: {"choices":\ndata: [],\ndata: ${usage}\ndata: }\n\n${done}`, done],
    ['a comment before it in the same event', `: ping\ndata: {"choices":[],${usage}}\n\n${done}`, `: ping\n${done}`],
    [
      'comments within it',
      `data: {"choices":[],\r\n: a\r\ndata: ${usage}}\r\n:b\r\n\r\n${done}`,
      `: a\r\n:b\r\n${done}`,
    ],
    ['its other fields', `event: message\nid: 7\nretry: 1\ndata: {"choices":[],${usage}}\n\n${done}`, done],
    ['two of them', chunk(`"choices":[],${usage}`) + chunk(`"choices":[],${usage}`) + done, done],
    ['no blank line behind it', `${word()}data: {"choices":[],${usage}}`, word()],
    ['an end in the middle of its usage', `${word()}data: {"choices":[],"usage":{"prompt_to`, word()],
    ['an escaped name', `data: {"choic\\u0065s":[],"\\u0075sage":{"a":1}}\n\n${done}`, done],
    ['a BOM', `\ufeffdata: {"choices":[],${usage}}\n\n${done}`, `\ufeff${done}`],
  ])('%s', (_what, asked, wanted) => everyCut(asked, wanted))
})

describe('everything else passes byte for byte, wherever it is cut', () => {
  it.each([
    ['text and the end', word() + done],
    ['comments and pings', `: OPENROUTER PROCESSING\n\n:\n\n: keep\r\n\r\n${word()}\n\n\n${done}`],
    ['usage in a chunk with a choice', chunk(`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],${usage}`)],
    ['usage before a choice', chunk(`${usage},"choices":[{"index":0}]`)],
    ['empty choices without usage', `data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n`],
    ['usage that is neither', 'data: {"choices":[],"usage":"none"}\n\ndata: {"choices":[],"usage":[]}\n\n'],
    ['choices that are neither', `data: {"choices":{},${usage}}\n\ndata: {"choices":"",${usage}}\n\n`],
    ['names further inside', `data: {"x":{"choices":[],${usage}},"y":[{"usage":null}]}\n\n`],
    ['names inside text', `data: {"x":"\\"choices\\":[],\\"usage\\":{}","y":"usage\\":null"}\n\n`],
    [
      'what is no JSON',
      'data: hello\n\ndata: {"choices":[],"usage":{}\n\ndata: {"a":1,"usage":nul}\n\ndata:\n\ndata\n\n',
    ],
    ['JSON with more behind it', `data: {"choices":[],${usage}} {}\n\n`],
    ['an error', 'event: error\ndata: {"error":{"message":"x","usage":null}}\n\n'],
    ['another type of event', `event: ping\nid: 1\n\nretry: 10\n\nfoo: {"choices":[],${usage}}\n\ndatas: x\n\n`],
    ['other bytes', '{"choices":[],"usage":null}\nplain\r\n\r\n\u0000\u0001'],
    ['an end in the middle', 'data: {"id":"c1","choices":[{"delta":{"content":"a'],
    ['an end before it can be told', 'data: {"id":"c1","obj'],
    ['an end within a member', 'data: {"choices":[{}],"usage":nul'],
    ['nothing', ''],
  ])('%s', (_what, text) => everyCut(text, text))

  it('every sample of every provider that does not have what asking adds', () => {
    const streams = loadSamples().filter(({ response }) =>
      response.headers.some(([, value]) => value.startsWith('text/event-stream')),
    )
    const untouched = streams.filter(({ response }) => {
      const bytes = Buffer.concat(response.pieces.map(([, piece]) => piece))
      const text = bytes.toString('latin1')
      const { text: out } = passed(response.pieces.map(([, piece]) => piece))
      const asked = /"usage":\s?(null|\{)/.test(text)
      if (!asked) expect(out).toBe(text)
      return !asked
    })
    expect(untouched.length).toBeGreaterThan(10)
  })
})

describe('no byte waits longer than it must', () => {
  /** How many bytes have passed once these have come. */
  const passes = (...pieces: string[]): number => {
    const filter = new UsageFilter()
    return pieces.reduce((sum, piece) => sum + (filter.push(Buffer.from(piece))?.length ?? 0), 0)
  }
  it.each([
    ['text as soon as a choice begins', 'data: {"id":"c","choices":[{'],
    ['text after it', 'data: {"choices":[{"delta":{"content":"Gr'],
    ['the end of the choices', 'data: {"choices":[{}]'],
    ['a name that is no usage', 'data: {"choices":[{}],"obfuscation":"'],
    ['[DONE]', 'data: ['],
    ['text that is no JSON', 'data: h'],
    ['comments', ': pi'],
    ['lines of no event', '\n\n\n'],
    ['other fields', 'foo:'],
    ['a chunk whose usage is null', 'data: {"usage":null,"choices":['.replace('"usage":null,', '')],
  ])('%s', (what, text) => {
    const passing = passes(text)
    if (what === 'a chunk whose usage is null') expect(passing).toBe(0)
    else expect(passing).toBe(text.length)
  })

  it.each([
    ['an event that may be the usage chunk', 'data: {"id":"c","choices":[', 0],
    ['until it cannot be any more', 'data: {"id":"c","choices":[],"usage":null', 'data: {"id":"c","choices":[]'.length],
    ['a member that may be usage: null', 'data: {"choices":[{}],"usa', 'data: {"choices":[{}]'.length],
    [
      'until it holds a number',
      'data: {"choices":[{}],"usage":{"prompt_tokens":1}',
      'data: {"choices":[{}],"usage":{"prompt_tokens":1}'.length,
    ],
  ])('holds %s', (_what, text, wanted) => {
    expect(passes(text)).toBe(wanted)
    expect(passes(...text)).toBe(wanted)
  })

  it('holds at most 64 KiB, then passes the event and says so', () => {
    const filter = new UsageFilter()
    const long = `data: {"choices":[],"pad":"${'x'.repeat(70_000)}",${usage}}\n\n`
    const text = word() + long + word() + chunk(`"choices":[],${usage}`) + done
    let out = ''
    let most = 0
    let given = 0
    for (const byte of Buffer.from(text)) {
      given++
      out += filter.push(Buffer.from([byte]))?.toString('latin1') ?? ''
      most = Math.max(most, given - out.length)
    }
    out += filter.end()?.toString('latin1') ?? ''
    expect(out).toBe(latin1(word() + long + word() + done))
    expect(filter.note).toContain('too large')
    expect(most).toBeLessThanOrEqual(64 * 1024 + Buffer.byteLength(chunk(`"choices":[],${usage}`)))
  })
})

/** An event as a server sends it when asked, and when not. */
interface Both {
  asked: string
  unasked: string
}

const decoys = fc.constantFrom('"usage\\":null,\\"choices\\":[]"', 'usage', '{"usage":null}', 'ä\n\u2028😀', '')
const values = fc.oneof(fc.jsonValue(), fc.record({ usage: fc.constant(null), choices: fc.constant([]) }), decoys)
const names = fc
  .oneof(fc.string({ maxLength: 10 }), fc.constantFrom('id', 'object', 'model', 'Usage', 'usages', 'error', 'x_groq'))
  .filter((name) => name !== 'usage' && name !== 'choices')
const others = fc.dictionary(names, values, { maxKeys: 4 }).map((members) => Object.entries(members))
const choice = fc.array(fc.oneof(values, fc.record({ delta: fc.record({ content: fc.string() }) })), {
  minLength: 1,
  maxLength: 2,
})
const tokens = fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat(), details: values })
const says = fc.record({ prompt_tokens: fc.integer({ min: 1 }), completion_tokens: fc.nat() })
type Member = [name: string, value: unknown]

const spread = (members: Member[], order: number[]): Member[] =>
  members
    .map((member, at) => ({ member, key: order[at] ?? 0 }))
    .sort((one, other) => one.key - other.key)
    .map(({ member }) => member)
const order = fc.array(fc.nat(), { minLength: 8, maxLength: 8 })
const written = (members: Member[], roomy: boolean): string =>
  `{${members.map(([name, value]) => `${JSON.stringify(name)}:${roomy ? ' ' : ''}${JSON.stringify(value)}`).join(roomy ? ', ' : ',')}}`

const same = (text: string): Both => ({ asked: text, unasked: text })
const asData = (json: string, tight: boolean): string => `data:${tight ? '' : ' '}${json}\n\n`
const events: fc.Arbitrary<Both> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(others, choice, fc.constantFrom('none', 'null', 'zeros'), order, fc.boolean(), fc.boolean())
      .map(([rest, choices, kind, places, roomy, tight]) => {
        const empty = kind === 'null' ? null : { prompt_tokens: 0, completion_tokens: 0 }
        const members = spread([...rest, ['choices', choices], ['usage', empty]], places)
        const without = members.filter(([name]) => name !== 'usage')
        const unasked = asData(written(without, roomy), tight)
        return kind === 'none' ? same(unasked) : { asked: asData(written(members, roomy), tight), unasked }
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(others, fc.option(fc.constantFrom([], null)), tokens, order, fc.boolean(), fc.boolean())
      .map(([rest, choices, said, places, roomy, tight]) => {
        const members: Member[] = [
          ...rest,
          ['usage', said],
          ...(choices === null ? [] : [['choices', choices] as Member]),
        ]
        return { asked: asData(written(spread(members, places), roomy), tight), unasked: '' }
      }),
  },
  fc
    .tuple(others, choice, says, order, fc.boolean())
    .map(([rest, choices, said, places, roomy]) =>
      same(asData(written(spread([...rest, ['choices', choices], ['usage', said]], places), roomy), false)),
    ),
  fc
    .constantFrom(
      ': ping\n\n',
      ':\n',
      'data: [DONE]\n\n',
      '\n',
      'event: error\ndata: {"error":{}}\n\n',
      'id: 3\n\n',
      'data: text\n\n',
    )
    .map(same),
)

it('gives of any stream what the server sends unasked, in whatever pieces and with whatever line ends', () => {
  fc.assert(
    fc.property(
      fc.array(events, { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat(400), { maxLength: 20 }),
      (stream, lineEnd, sizes) => {
        const text = (side: keyof Both): string =>
          stream
            .map((event) => event[side])
            .join('')
            .replaceAll('\n', lineEnd)
        const bytes = Buffer.from(text('asked'))
        const pieces: Buffer[] = []
        let at = 0
        for (const size of sizes) {
          pieces.push(bytes.subarray(at, at + size))
          at += size
        }
        pieces.push(bytes.subarray(at))
        const wanted = { text: latin1(text('unasked')), withheld: bytes.length - Buffer.byteLength(text('unasked')) }
        expect(passed(pieces)).toEqual(wanted)
        expect(passed(bytewise(text('asked')))).toEqual(wanted)
      },
    ),
    { numRuns: 2000 },
  )
})
