import { expect, it } from 'vitest'
import { chunk } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { type Step, scriptedUpstream } from '../support/scripted-upstream.ts'

const json = [['content-type', 'application/json']] as const
const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const event = (delta: object, finish: string | null = null): Buffer =>
  chunk(
    `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'gpt-4o-mini', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
  )
const ask = (stream = true): Buffer =>
  requestBytes(
    'POST',
    '/v1/chat/completions',
    json,
    JSON.stringify({ model: 'gpt-4o-mini', stream, messages: [{ role: 'user', content: 'hi' }] }),
  )

/** `LONG_STREAM=1` runs the long form: a chunk each 2 s for 60 s. */
const [gapMs, count] = process.env.LONG_STREAM ? [2000, 30] : [150, 12]

it(`passes a stream of a chunk each ${gapMs} ms chunk by chunk, beyond every header wait, and never cuts it`, async () => {
  const sentAtMs: number[] = []
  async function* script(): AsyncGenerator<Step> {
    yield head
    for (let number = 0; number < count; number++) {
      if (number > 0) yield { waitMs: gapMs }
      sentAtMs.push(performance.now())
      yield event({ content: `piece ${number} ` })
    }
    yield event({}, 'stop')
    yield chunk('data: [DONE]\n\n')
    yield '0\r\n\r\n'
  }
  await using upstream = await scriptedUpstream(script)
  const url = `http://127.0.0.1:${upstream.port}`
  await using proxy = await startProxy({ upstreams: { openai: { provider: 'openai', url, headerWaitMs: gapMs * 2 } } })
  const all = await rawExchange(proxy.port, ask(), { deadlineMs: gapMs * count + 10_000 })
  expect(all.ended).toBe('clean')
  for (const [number, sent] of sentAtMs.entries()) {
    const piece = all.pieces.find(({ bytes }) => bytes.includes(`piece ${number} `))
    expect(piece!.atMs - sent).toBeLessThan(50)
  }
  const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
  expect(telemetry.metadata).toMatchObject({ outcome: 'ok', finish_reason: 'stop', token_source: 'estimated' })
  expect(telemetry.metadata.inter_token_mean_ms).toBeGreaterThan(gapMs * 0.8)
  expect(telemetry.metadata.inter_token_mean_ms).toBeLessThan(gapMs * 1.5)
})

it('has the first chunk at the client within 50 ms while the second is 500 ms away (C4), and the times are true (C8)', async () => {
  const sentAtMs: Record<string, number> = {}
  const sent = (name: string): void => {
    sentAtMs[name] = performance.now()
  }
  async function* script(): AsyncGenerator<Step> {
    yield { waitMs: 50 }
    sent('head')
    yield head
    yield { waitMs: 30 }
    yield event({ role: 'assistant', content: '' })
    yield { waitMs: 220 }
    sent('first')
    yield event({ content: 'first' })
    yield { waitMs: 500 }
    sent('second')
    yield event({ content: ' second' })
    yield event({}, 'stop')
    yield chunk('data: [DONE]\n\n')
    yield '0\r\n\r\n'
  }
  await using upstream = await scriptedUpstream(script)
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  await client.send(ask())
  await client.bodyText('first')
  expect(performance.now() - sentAtMs.first!).toBeLessThan(50)
  const all = await client.answered()
  const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
  const { ttfb_ms, ttft_ms, ttft_answer_ms, last_content_ms, latency_ms, upstream_ms, overhead_ms } = telemetry.metadata
  const near = (value: number | null, mark: string): void => {
    const expected = sentAtMs[mark]! - all.sentAtMs
    expect(value).toBeGreaterThan(expected - 40)
    expect(value).toBeLessThan(expected + 40)
  }
  near(ttfb_ms, 'head')
  near(ttft_ms, 'first')
  near(ttft_answer_ms, 'first')
  near(last_content_ms, 'second')
  near(latency_ms, 'second')
  near(upstream_ms, 'second')
  expect(overhead_ms).toBeGreaterThanOrEqual(0)
  expect(overhead_ms).toBeLessThan(40)
})

it('has no time to first token for an answer without content, or without a stream', async () => {
  await using upstream = await scriptedUpstream((request) =>
    request.bodyText.includes('"stream":true')
      ? [head, event({ role: 'assistant', content: '' }), event({}, 'stop'), chunk('data: [DONE]\n\n'), '0\r\n\r\n']
      : ['HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'],
  )
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  for (const stream of [true, false]) {
    const all = await rawExchange(proxy.port, ask(stream))
    const { telemetry } = await proxy.record(all.header('x-sightglass-id'))
    expect(telemetry.metadata).toMatchObject({ ttft_ms: null, ttft_answer_ms: null, stream })
    expect(telemetry.metadata.ttfb_ms).toBeGreaterThan(0)
  }
})

it('keeps 200 parallel streams apart (X7)', async () => {
  await using upstream = await scriptedUpstream(async function* (request) {
    const { messages } = request.json as { messages: { content: string }[] }
    const word = messages[0]!.content
    yield head
    for (let number = 0; number < 10; number++) {
      yield event({ content: `${word}-${number} ` })
      yield { waitMs: 3 }
    }
    yield event({}, 'stop')
    yield chunk('data: [DONE]\n\n')
    yield '0\r\n\r\n'
  })
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const words = Array.from({ length: 200 }, (_, number) => `word${number}`)
  const answers = await Promise.all(
    words.map((word) =>
      rawExchange(
        proxy.port,
        requestBytes(
          'POST',
          '/v1/chat/completions',
          [...json, ['x-project-id', word], ['authorization', `Bearer sk-${word}`]],
          JSON.stringify({ model: `model-${word}`, stream: true, messages: [{ role: 'user', content: word }] }),
        ),
        { deadlineMs: 20_000 },
      ),
    ),
  )
  await proxy.settled()
  for (const [place, all] of answers.entries()) {
    const word = words[place]!
    const { telemetry, run } = await proxy.record(all.header('x-sightglass-id'))
    expect(run.prompt).toBe(word)
    expect(run.completion).toBe(Array.from({ length: 10 }, (_, number) => `${word}-${number} `).join(''))
    expect(telemetry.metadata).toMatchObject({ project_id: word, model_requested: `model-${word}`, outcome: 'ok' })
  }
  expect(new Set(answers.map((all) => all.header('x-sightglass-id'))).size).toBe(200)
})
