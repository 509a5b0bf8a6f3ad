import { describe, expect, it } from 'vitest'
import { provider as llamacpp } from '../../providers/llamacpp/provider.ts'
import { provider as openai } from '../../providers/openai/provider.ts'
import type { Decoded } from '../../src/formats/decoder.ts'
import { openaiCompletions } from '../../src/formats/openai-completions/format.ts'
import { openaiEmbeddings } from '../../src/formats/openai-embeddings/format.ts'
import { formatSuite } from '../contract/format-suite.ts'

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

formatSuite({
  name: 'a legacy completion, streamed',
  provider: openai,
  request: {
    method: 'POST',
    path: '/v1/completions',
    headers: [],
    body: JSON.stringify({ model: 'm', prompt: 'Once', stream: true, max_tokens: 2 }),
  },
  response: {
    status: 200,
    headers: [['Content-Type', 'text/event-stream']],
    pieces: [
      [
        10,
        data({ id: 'cmpl-1', model: 'm-1', choices: [{ text: 'The', index: 0, finish_reason: null }], usage: null }),
      ],
      [20, data({ id: 'cmpl-1', choices: [{ text: ' end', index: 0, finish_reason: 'length' }] })],
      [
        30,
        data({ choices: [], usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 } }) +
          'data: [DONE]\n\n',
      ],
    ],
  },
  expect: {
    operation: 'completion',
    request: { messages: [{ role: 'user', text: 'Once' }], inputs: 1, parameters: { max_tokens: 2 } },
    decoded: {
      responseId: 'cmpl-1',
      choices: [{ text: 'The end', finishReason: 'length' }],
      firstContentAtMs: 1010,
      usage: { input: 14, output: 2 },
    },
  },
})

formatSuite({
  name: 'an embedding',
  provider: openai,
  request: {
    method: 'POST',
    path: '/v1/embeddings',
    headers: [],
    body: JSON.stringify({ model: 'e', input: ['a', 'b'], dimensions: 2 }),
  },
  response: {
    status: 200,
    headers: [['Content-Type', 'application/json']],
    pieces: [
      [10, '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-0.2]},'],
      [
        20,
        '{"object":"embedding","index":1,"embedding":"AACAPw=="}],"model":"e-1","usage":{"prompt_tokens":8,"total_tokens":8}}',
      ],
    ],
  },
  expect: {
    operation: 'embeddings',
    framing: 'json',
    request: { inputs: 2, messages: [{ text: 'a' }, { text: 'b' }], parameters: { dimensions: 2 }, stream: false },
    decoded: {
      model: 'e-1',
      embeddings: 2,
      choices: [],
      firstContentAtMs: null,
      usage: { input: 8, output: null, totalReported: 8 },
    },
  },
})

function completed(body: object, chunks: readonly unknown[], hints = {}): Decoded {
  const decoder = openaiCompletions.decoder(openaiCompletions.readRequest({ stream: true, ...body }), hints)
  for (const [place, chunk] of chunks.entries()) decoder.push(chunk, place, null)
  decoder.done(chunks.length)
  return decoder.finish()
}

const text = (content: string, index = 0): object => ({ choices: [{ index, text: content }] })

describe('a legacy completion', () => {
  it('with echo is generated from where the prompt ends', () => {
    expect(completed({ prompt: 'The sea', echo: true }, [text('The'), text(' sea'), text(' rises')])).toMatchObject({
      choices: [{ text: 'The sea rises' }],
      firstContentAtMs: 2,
      contentEvents: 1,
    })
    expect(completed({ prompt: 'The sea', echo: true }, [text('The sea ri'), text('ses')])).toMatchObject({
      firstContentAtMs: 0,
      contentEvents: 2,
    })
  })

  it('with echo of token ids begins after the first text', () => {
    expect(completed({ prompt: [1, 2, 3], echo: true }, [text('The sea'), text(' rises')])).toMatchObject({
      firstContentAtMs: 1,
      contentEvents: 1,
    })
  })

  it('with echo of several prompts knows each by its choice', () => {
    const chunks = [text('A', 0), text('B', 1), text('b', 1), text('a', 0)]
    expect(completed({ prompt: ['A', 'B'], echo: true }, chunks)).toMatchObject({
      choices: [{ text: 'Aa' }, { text: 'Bb' }],
      firstContentAtMs: 2,
      contentEvents: 2,
    })
  })

  it('of several prompts adds inputs a prompt and outputs a choice', () => {
    const usage = (index: number, input: number, output: number): object => ({
      choices: [{ index, text: '', finish_reason: 'stop' }],
      usage: { prompt_tokens: input, completion_tokens: output },
    })
    const chunks = [usage(3, 5, 1), usage(0, 3, 2), usage(1, 3, 4), usage(2, 5, 8)]
    expect(completed({ prompt: ['A', 'B'], n: 2 }, chunks, llamacpp.hints).usage).toMatchObject({
      input: 8,
      output: 15,
    })
  })

  it.each<[unknown, string[]]>([
    ['A', ['A']],
    [
      ['A', 'B'],
      ['A', 'B'],
    ],
    [[1, 2, 3], ['[3 token ids]']],
    [
      [[1, 2], [3]],
      ['[2 token ids]', '[1 token ids]'],
    ],
    [undefined, []],
  ])('prompt %j reads as %j', (prompt, texts) => {
    const facts = openaiCompletions.readRequest({ prompt })
    expect(facts.messages.map((message) => message.text)).toEqual(texts)
    expect(facts.inputs).toBe(texts.length)
  })
})

describe('embeddings', () => {
  it('without usage leave the tokens unknown', () => {
    const decoder = openaiEmbeddings.decoder(openaiEmbeddings.readRequest({ input: 'x' }), {})
    decoder.whole({ data: [{}], usage: { prompt_tokens: 0, total_tokens: 0 } }, 1)
    expect(decoder.finish()).toMatchObject({ usage: null, tokenSource: 'none', embeddings: 1 })
  })
})
