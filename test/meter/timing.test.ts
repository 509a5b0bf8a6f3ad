import { describe, expect, it } from 'vitest'
import { nearestRank, timingOf } from '../../src/meter/timing.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { anExchange, begun, decodedOf } from './exchange.ts'

const streamed = (times: readonly number[]) =>
  decodedOf((answer) => {
    for (const ms of times) {
      answer.event(begun + ms)
      answer.text(0, 'x')
    }
  })

describe('timing', () => {
  it('measures every mark from the request head, and the first token from the first content', () => {
    const decoded = decodedOf((answer) => {
      answer.event(begun + 80)
      answer.text(0, '')
      answer.event(begun + 250)
      answer.reasoning(0, 'hm')
      answer.event(begun + 300)
      answer.text(0, 'Hi')
      answer.event(begun + 420)
      answer.text(0, '!')
    })
    const exchange = anExchange({
      response: [
        [80, 'a'],
        [420, 'b'],
        [430, 'c'],
      ],
    })
    expect(timingOf(exchange, decoded, { ...unknownUsage, output: 34 })).toEqual({
      latencyMs: 431,
      ttfbMs: 50,
      ttftMs: 250,
      ttftAnswerMs: 300,
      lastContentMs: 420,
      interTokenMeanMs: 85,
      interTokenP95Ms: 120,
      gapsMs: [50, 120],
      queueMs: 2,
      upstreamMs: 428,
      overheadMs: 3,
      providerMs: null,
      outputTokensPerSecond: 200,
    })
  })

  it('gives an answer that is no stream no first token and no gaps', () => {
    const decoded = decodedOf((answer) => answer.text(0, 'whole'))
    const timing = timingOf(anExchange({ response: [[90, '{}']] }), decoded, { ...unknownUsage, output: 5 })
    expect(timing).toMatchObject({
      ttftMs: null,
      lastContentMs: null,
      gapsMs: [],
      interTokenMeanMs: null,
      outputTokensPerSecond: null,
    })
  })

  it('takes the time the client needed to send its request out of our own', () => {
    const early = anExchange({
      close: { requestEndAtMs: begun + 30, dispatchedAtMs: begun + 32 },
      response: [[100, 'x']],
    })
    expect(timingOf(early, null, null)).toMatchObject({ queueMs: 2, upstreamMs: 68, overheadMs: 3, latencyMs: 101 })
    const streaming = anExchange({
      close: { requestEndAtMs: begun + 60, dispatchedAtMs: begun + 2 },
      response: [[100, 'x']],
    })
    expect(timingOf(streaming, null, null)).toMatchObject({ queueMs: 2, upstreamMs: 98, overheadMs: 3 })
  })

  it('has no upstream time for a call that was never sent, and a latency for one that never ended', () => {
    const refused = anExchange({ head: null, close: { dispatchedAtMs: null, upstreamComplete: false } })
    expect(timingOf(refused, null, null)).toMatchObject({
      queueMs: null,
      upstreamMs: null,
      overheadMs: null,
      ttfbMs: null,
      latencyMs: 61,
    })
    const interrupted = anExchange({
      close: null,
      response: [
        [70, 'x'],
        [170, 'y'],
      ],
    })
    expect(timingOf(interrupted, null, null)).toMatchObject({ latencyMs: 170, queueMs: null, ttfbMs: 50 })
  })

  it.each([
    ['openai-processing-ms', '123', 123],
    ['Fireworks-Server-Processing-Time', '0.25', 250],
    ['x-envoy-upstream-service-time', '17', 17],
    ['openai-processing-ms', 'soon', null],
  ])('reads the provider’s own time from %s: %s', (name, value, expected) => {
    expect(timingOf(anExchange({ head: { headers: [[name, value]] } }), null, null).providerMs).toBe(expected)
  })

  it('prefers the time a server reports in its answer', () => {
    const decoded = decodedOf((answer) => {
      answer.timings = { ...answer.timings, totalMs: 512.5 }
    })
    expect(timingOf(anExchange({ head: { headers: [['openai-processing-ms', '9']] } }), decoded, null).providerMs).toBe(
      512.5,
    )
  })

  it('takes the speed of a burst or of a whole answer from the server’s generation time', () => {
    const burst = streamed([100, 101, 102])
    burst.timings = { ...burst.timings, generationMs: 500 }
    expect(timingOf(anExchange(), burst, { ...unknownUsage, output: 50 }).outputTokensPerSecond).toBe(100)
    expect(
      timingOf(anExchange(), streamed([100, 101]), { ...unknownUsage, output: 50 }).outputTokensPerSecond,
    ).toBeNull()
  })

  it('leaves hidden reasoning out of the speed of what was shown', () => {
    const usage = { ...unknownUsage, output: 1100, reasoning: 1000 }
    expect(timingOf(anExchange(), streamed([2000, 2500, 3000]), usage).outputTokensPerSecond).toBe(100)
  })
})

it('nearest rank takes a value that is there', () => {
  expect(nearestRank([], 0.95)).toBeNull()
  expect(nearestRank([7], 0.95)).toBe(7)
  expect(
    nearestRank(
      Array.from({ length: 100 }, (_, place) => 100 - place),
      0.95,
    ),
  ).toBe(95)
  expect(nearestRank([3, 1, 2], 0.5)).toBe(2)
})
