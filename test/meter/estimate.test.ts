import { afterAll, describe, expect, it } from 'vitest'
import type { Answer } from '../../src/formats/answer.ts'
import { noFacts, noParameters, type RequestFacts, type RequestMessage } from '../../src/formats/decoder.ts'
import { formats } from '../../src/formats/index.ts'
import { estimate } from '../../src/meter/estimate.ts'
import type { TokenCounter } from '../../src/meter/metered.ts'
import { startTokenCounter } from '../../src/meter/tokens.ts'
import { decodedOf, user } from './exchange.ts'

const tokens = startTokenCounter()
afterAll(() => tokens.close())

const of = (request: Partial<RequestFacts>, fill: (answer: Answer) => void = () => {}) =>
  estimate(
    'chat',
    { ...noFacts, model: 'gpt-4o', messages: [user('hello world')], ...request },
    decodedOf(fill),
    tokens,
  )
const say = (answer: Answer): void => answer.text(0, 'hello world')

describe('messages', () => {
  it('have the framing of OpenAI’s own examples: 3 to begin, 3 each, the role, and 1 for a name', async () => {
    expect((await of({})).input).toBe(3 + 3 + 1 + 2)
    expect((await of({ messages: [user('hello world', { name: 'ada' })] })).input).toBe(9 + 1 + 1)
    expect((await of({ messages: [user('hello world'), user('hello world')] })).input).toBe(9 + 6)
  })

  it('had another one in the first snapshot of gpt-3.5-turbo', async () => {
    const model = 'gpt-3.5-turbo-0301'
    expect((await of({ model })).input).toBe(3 + 4 + 1 + 2)
    expect((await of({ model, messages: [user('hello world', { name: 'ada' })] })).input).toBe(10 - 1 + 1)
  })

  it('have none in completions and embeddings', async () => {
    for (const operation of ['completion', 'embeddings'] as const)
      expect((await estimate(operation, { ...noFacts, messages: [user('hello world')] }, null, tokens)).input).toBe(2)
  })

  it('of token ids are as many tokens as there are ids', async () => {
    const { readRequest } = formats.get('openai-completions')!
    const request = readRequest({
      model: 'gpt-3.5-turbo-instruct',
      prompt: [
        [1, 2, 3, 4, 5, 6, 7],
        [8, 9],
      ],
    })
    expect((await estimate('completion', request, null, tokens)).input).toBe(9)
  })

  it('of a request that could not be read are unknown', async () => {
    expect(await of({ messages: [] }, say)).toMatchObject({ input: null, output: 2 })
  })

  it('with calls of earlier turns count their names, arguments and framing, old and new', async () => {
    const call = { id: 'a', name: 'hello', arguments: 'hello world' }
    const plain = (await of({ messages: [user('')] })).input!
    expect((await of({ messages: [user('', { toolCalls: [call] })] })).input! - plain).toBe(1 + 2 + 8)
    expect((await of({ messages: [user('', { toolCalls: [{ ...call, id: null }] })] })).input! - plain).toBe(1 + 2 + 3)
    const result = (role: string) => of({ messages: [user('hello world', { role })] })
    expect((await result('function')).input! - (await result('tool')).input!).toBe(-2)
  })
})

describe('tools', () => {
  const weather = {
    name: 'weather',
    description: 'How the weather is\nSays it in words',
    parameters: {
      type: 'object',
      required: ['city'],
      properties: {
        city: { type: 'string', description: 'Its name' },
        unit: { enum: ['C', 'F'] },
        days: { type: 'integer' },
        tags: { type: 'array', items: { type: ['string', 'null'] } },
        at: {
          type: 'object',
          description: 'A place',
          properties: {
            lat: { type: 'number', description: 'North' },
            deep: { type: 'object', properties: { x: { description: 'unseen' } } },
          },
        },
        either: { anyOf: [{ type: 'boolean' }, { type: 'null' }] },
        odd: {},
      },
    },
  }
  const toolsText = JSON.stringify([
    { type: 'function', function: weather },
    { type: 'function', function: { name: 'now' } },
  ])

  it('are counted as the types that models of OpenAI see, not as JSON', async () => {
    const seen: (readonly string[])[] = []
    const counter: TokenCounter = {
      count: async (_encoding, texts) => {
        seen.push(texts)
        return texts.map(() => 0)
      },
      close: async () => {},
    }
    await estimate('chat', { ...noFacts, model: 'gpt-4o', messages: [user('x')], toolsText }, null, counter)
    expect(seen[0]!.at(-1)).toBe(
      [
        'namespace functions {',
        '',
        '// How the weather is',
        '// Says it in words',
        'type weather = (_: {',
        '// Its name',
        'city: string,',
        'unit?: "C" | "F",',
        'days?: number,',
        'tags?: string | null[],',
        '// A place',
        'at?: {',
        '// North',
        'lat?: number,',
        'deep?: {',
        'x?: any,',
        '},',
        '},',
        'either?: boolean | null,',
        'odd?: any,',
        '}) => any;',
        '',
        'type now = () => any;',
        '',
        '} // namespace functions',
      ].join('\n'),
    )
  })

  it('bring 9 tokens, 4 less beside a system message, and more when one is forced or none may be used', async () => {
    const bare = JSON.stringify([{ name: 'now' }])
    const system = user('hello world', { role: 'system' })
    const choice = (tool_choice: string) => ({ parameters: { ...noParameters, tool_choice } })
    const [plain, tooled] = [(await of({})).input!, (await of({ toolsText: bare })).input!]
    const [words] = await tokens.count('o200k_base', [
      'namespace functions {\n\ntype now = () => any;\n\n} // namespace functions',
    ])
    expect(tooled - plain).toBe(9 + words!)
    const [besides, both] = [await of({ messages: [system] }), await of({ messages: [system], toolsText: bare })]
    expect(both.input! - besides.input!).toBe(9 - 4 + words!)
    expect((await of({ toolsText: bare, ...choice('function:now') })).input! - tooled).toBe(4 + 1)
    expect((await of({ toolsText: bare, ...choice('none') })).input! - tooled).toBe(1)
    expect((await of({ toolsText: bare, ...choice('required') })).input! - tooled).toBe(0)
  })

  it('of other vendors are a share of their JSON, and bring what their vendor says', async () => {
    const [json] = await tokens.count('o200k_base', [toolsText])
    const added = async (model: string) => (await of({ model, toolsText })).input! - (await of({ model })).input!
    expect(await added('qwen3')).toBe(Math.ceil(json! * 0.8))
    expect(await added('claude-sonnet-5-5')).toBe(346 + Math.ceil(json! * 0.8))
    const odd = '[{"type":"web_search"}]'
    expect((await of({ toolsText: odd })).input).toBeGreaterThan((await of({})).input!)
  })

  it('that are nested without end, or no JSON, end in an estimate all the same', async () => {
    const deep = `${'{"type":"object","properties":{"a":'.repeat(2000)}{}${'}}'.repeat(2000)}`
    for (const text of [`[{"name":"f","parameters":${deep}}]`, '[{"name":"f","param', '[]', '{}', 'null'])
      expect((await of({ toolsText: text })).input).toBeGreaterThan(5)
  })
})

describe('pictures and recordings', () => {
  const picture = (width: number, height: number, detail: string | null = null) => ({
    bytes: 5_000_000,
    detail,
    url: false,
    width,
    height,
  })
  const added = async (model: string, image: RequestMessage['images'][number]) => {
    const [without, with_] = [
      await of({ model, messages: [user('x')] }),
      await of({ model, messages: [user('x', { images: [image] })] }),
    ]
    return with_.input! - without.input!
  }
  it.each([
    ['gpt-4o', picture(1024, 1024), 85 + 170 * 4],
    ['gpt-4o', picture(2048, 4096), 85 + 170 * 6],
    ['gpt-4o', picture(512, 512), 85 + 170],
    ['gpt-4o', picture(10, 10), 85 + 170],
    ['gpt-4o', picture(4096, 8192, 'low'), 85],
    ['gpt-4o', { bytes: null, detail: 'high', url: true }, 765],
    ['openai/gpt-4o-mini-2024-07-18', picture(1024, 1024), 2833 + 5667 * 4],
    ['gpt-4o-mini', picture(1024, 1024, 'low'), 2833],
    ['gpt-4.1', picture(1024, 1024), 765],
    ['gpt-4.1-mini', picture(1024, 1024), Math.ceil(1024 * 1.62)],
    ['gpt-4.1-nano', picture(4096, 4096), Math.ceil(1536 * 2.46)],
    ['gpt-5', picture(1024, 1024), 70 + 140 * 4],
    ['gpt-5-mini', picture(33, 31), Math.ceil(2 * 1.62)],
    ['o1', picture(1024, 1024), 75 + 150 * 4],
    ['o4-mini', picture(32, 32), 2],
    ['claude-sonnet-5-5', picture(1000, 1000), 1334],
    ['claude-sonnet-5-5', picture(4000, 4000), 1600],
    ['gemini-3-pro', picture(384, 384), 258],
    ['gemini-3-pro', picture(1024, 1024), 258 * 4],
    ['llava', picture(1024, 1024), 765],
  ])('%s: %o', async (model, image, wanted) => {
    expect(await added(model, image)).toBe(wanted)
  })

  it('are measured where they were sent along, and their bytes are never counted as text', async () => {
    const png = Buffer.alloc(300_000, 0x41)
    Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1').copy(png)
    png.writeUInt32BE(600, 16)
    png.writeUInt32BE(300, 20)
    const wave = Buffer.alloc(96_044)
    wave.write('RIFF\0\0\0\0WAVEfmt ', 'latin1')
    wave.writeUInt32LE(16, 16)
    wave.writeUInt32LE(32_000, 28)
    const content = [
      { type: 'text', text: 'hello world' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${png.toString('base64')}` } },
      { type: 'input_audio', input_audio: { data: wave.toString('base64'), format: 'wav' } },
    ]
    const request = formats.get('openai-chat')!.readRequest({ model: 'gpt-4o', messages: [{ role: 'user', content }] })
    const { input } = await estimate('chat', request, null, tokens)
    // the line ends that join the parts are a token
    expect(input! - (9 + 85 + 2 * 170 + 31)).toBeLessThanOrEqual(1)
    const gemini = await estimate('chat', { ...request, model: 'gemini-3-pro' }, null, tokens)
    expect(gemini.input! - (9 + 258 + 97)).toBeLessThanOrEqual(1)
  })

  it('of unknown length count as speech of that size', async () => {
    const messages = (seconds: number | null) => [user('x', { audio: [{ bytes: 160_000, seconds }] })]
    const none = (await of({ messages: [user('x')] })).input!
    expect((await of({ messages: messages(null) })).input! - none).toBe(100)
    expect((await of({ messages: messages(3) })).input! - none).toBe(30)
  })

  it('that were generated count by their length', async () => {
    const spoken = await of({}, (answer) => answer.bytes(0, 'audio', 96_000))
    expect(spoken.output).toBe(40)
  })
})

describe('answers', () => {
  it('count text, reasoning, refusals and tool calls', async () => {
    const more = await of({}, (answer) => {
      say(answer)
      answer.reasoning(0, 'hello world')
      answer.refusal(0, 'hello world')
      answer.tool(0, 0, { id: 'a', name: 'hello', arguments: 'hello world' })
    })
    expect((await of({}, say)).output).toBe(2)
    expect(more.output).toBe(2 + 2 + 2 + 1 + 2 + 7)
  })

  it('do not count a prompt that they repeat', async () => {
    const echoed = await of({ echo: true, messages: [user('Once upon')] }, (answer) =>
      answer.text(0, 'Once upon a time'),
    )
    expect(echoed.output).toBe(2)
  })

  it('frame a call as the model does', async () => {
    const called = (model: string) =>
      of({ model }, (answer) => answer.tool(0, 0, { id: 'a', name: 'hello', arguments: { a: 1, b: 2 } }))
    const [openai, claude] = [await called('gpt-4o'), await called('claude-sonnet-5-5')]
    expect(claude.output - openai.output).toBe(18 + 2 * 13 - 7)
  })
})

describe('what counted is said', () => {
  const named = async (model: string, more: Partial<RequestFacts> = {}) => (await of({ model, ...more }, say)).tokenizer
  it('with the encoding alone where it is the model’s own, else as a stand-in', async () => {
    expect(await named('gpt-4o')).toBe('o200k_base')
    expect(await named('gpt-4-turbo')).toBe('cl100k_base')
    expect(await named('claude-sonnet-5-5')).toBe('o200k_base, a stand-in')
    expect(await named('llama3.2:3b')).toBe('o200k_base, a stand-in')
  })

  it('with a warning for models that hide what they reason', async () => {
    expect(await named('o3')).toBe('o200k_base, visible output only')
    expect(await named('gpt-5-mini')).toBe('o200k_base, visible output only')
    expect(await named('gpt-5-chat-latest')).toBe('o200k_base')
    expect(await named('gemini-2.5-pro')).toBe('o200k_base, a stand-in, visible output only')
    expect(await named('gpt-5.4', { parameters: { ...noParameters, reasoning_effort: 'none' } })).toBe('o200k_base')
    const shown = await of({ model: 'o3' }, (answer) => {
      say(answer)
      answer.reasoning(0, 'because')
    })
    expect(shown.tokenizer).toBe('o200k_base')
    expect((await of({ model: 'o3' })).tokenizer).toBe('o200k_base')
  })

  it('when it was extrapolated, and when nothing could count', async () => {
    const counter: TokenCounter = { count: async (_encoding, texts) => texts.map(() => 1), close: async () => {} }
    const long = await estimate(
      'chat',
      { ...noFacts, model: 'gpt-4o', messages: [user('x'.repeat(3 << 20))] },
      null,
      counter,
    )
    expect(long.tokenizer).toBe('o200k_base, extrapolated')
    const broken: TokenCounter = { count: () => Promise.reject(new Error('gone')), close: async () => {} }
    const rough = await estimate('chat', { ...noFacts, messages: [user('four')] }, null, broken)
    expect(rough).toEqual({ input: 3 + 3 + 1 + 1, output: 0, tokenizer: 'characters/4' })
  })
})
