import { loadProviders } from '../providers/index.ts'
import { newId } from '../src/lib/id.ts'
import { loadPrices } from '../src/meter/prices.ts'
import { startTokenCounter } from '../src/meter/tokens.ts'
import { recordMaker } from '../src/pipeline/records.ts'
import type { Body, Exchange, HeaderPairs } from '../src/records/exchange.ts'
import { openLocalStore } from '../src/stores/sqlite/local.ts'
import { closeOf, headOf, openOf } from '../test/journal/samples.ts'

const commitRecords = 500
const callsEachSecond = 10

/** Fills an embedded database with chat calls as the recorder makes them: bodies of 2 KB each, every other answer a stream. */
export async function seedCalls(path: string, count: number): Promise<void> {
  const store = openLocalStore(path)
  const tokens = startTokenCounter()
  const toRecord = recordMaker({
    instance: store.instance,
    providers: await loadProviders(),
    prices: loadPrices(),
    tokens,
    pepper: 'pepper',
    bodyLimitBytes: 1 << 20,
    projectNames: new Map<string, string>(),
  })
  for (let done = 0; done < count; done += commitRecords) {
    const places = Array.from({ length: Math.min(commitRecords, count - done) }, (_, at) => done + at)
    const records = await Promise.all(places.map((place) => toRecord(exchangeOf(place))))
    store.commit({ records, positions: [], finishedEpochs: [], applied: [], settled: [], carry: [], uncarry: [] })
  }
  store.checkpoint()
  await tokens.close()
  store.close()
}

let seed = 1
const below = (limit: number): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed % limit
}

const words = 'the sea is blue because water takes red light away and lets what is left come back to our eyes'.split(
  ' ',
)
const textOf = (count: number): string => Array.from({ length: count }, () => words[below(words.length)]).join(' ')
const utf8 = new TextEncoder()

const headers: HeaderPairs = [
  ['content-type', 'application/json'],
  ['date', 'Mon, 09 Nov 2026 10:00:00 GMT'],
  ['openai-processing-ms', '412'],
  ['x-request-id', 'req_0123456789abcdef'],
]

function exchangeOf(place: number): Exchange {
  const wallMs = Date.UTC(2026, 10, 9, 10) + Math.floor((place * 1_000) / callsEachSecond)
  const stream = place % 2 === 1
  const model = ['gpt-4o-mini', 'gpt-4o', 'gpt-4.1-mini', 'o4-mini'][below(4)]!
  const request = bodyOf([
    JSON.stringify({
      model,
      stream,
      temperature: 0.2,
      max_tokens: 800,
      messages: [
        { role: 'system', content: textOf(130) },
        { role: 'user', content: textOf(240) },
      ],
    }),
  ])
  const response = bodyOf(stream ? streamed(model) : [answered(model)])
  return {
    open: {
      ...openOf(newId(wallMs)),
      wallMs,
      requestHeaders: headers.slice(0, 1),
      keyFingerprint: `key-${below(20)}`.padEnd(32, '0'),
      context: {
        project: `project-${below(5)}`,
        organisation: null,
        user: `user-${below(50)}`,
        experiment: null,
        session: `session-${below(5_000)}`,
        environment: 'production',
        traceparent: null,
      },
    },
    head: { ...headOf(), headers, contentType: stream ? 'text/event-stream' : 'application/json' },
    close: { ...closeOf(request.size, response.size), atMs: 20 + below(2_000) },
    request,
    response,
  }
}

const usage = () => ({ prompt_tokens: 380, completion_tokens: 120 + below(200), total_tokens: 500 })

const answered = (model: string): string =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: textOf(400) }, finish_reason: 'stop' }],
    usage: usage(),
  })

function streamed(model: string): string[] {
  const event = (choices: unknown, more = {}) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model, choices, ...more })}\n\n`
  return [
    event([{ index: 0, delta: { role: 'assistant', content: '' } }]),
    ...Array.from({ length: 11 }, () => event([{ index: 0, delta: { content: ` ${textOf(8)}` } }])),
    event([{ index: 0, delta: {}, finish_reason: 'stop' }]),
    event([], { usage: usage() }),
    'data: [DONE]\n\n',
  ]
}

function bodyOf(texts: readonly string[]): Body {
  let size = 0
  const pieces = texts.map((text, at) => {
    const bytes = utf8.encode(text)
    const piece = { offset: size, atMs: 3 + at * 15, bytes }
    size += bytes.length
    return piece
  })
  return { pieces, size, whole: true }
}
