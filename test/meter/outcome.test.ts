import { describe, expect, it } from 'vitest'
import type { Answer } from '../../src/formats/answer.ts'
import type { Observed } from '../../src/formats/observed.ts'
import { outcomeOf } from '../../src/meter/outcome.ts'
import { anExchange, anObserved, decodedOf, type ExchangeParts } from './exchange.ts'

const said = (answer: Answer): void => {
  answer.event(1)
  answer.text(0, 'Hi')
}
const finished = (answer: Answer): void => {
  said(answer)
  answer.finish(0, 'stop', 'stop')
}
const complete = (answer: Answer): void => {
  finished(answer)
  answer.terminated = true
}
const ending = (exchange: ExchangeParts, fill: ((answer: Answer) => void) | null, observed: Partial<Observed> = {}) =>
  outcomeOf(anExchange(exchange), anObserved({ ...observed, decoded: fill === null ? null : decodedOf(fill) }))
/** So many bytes from there on of a body of 500. */
const kept = (offset: number, bytes: number) => ({
  pieces: [{ offset, atMs: 1, bytes: new Uint8Array(bytes) }],
  size: 500,
  whole: false,
})
const transferred = (status: string) => (answer: Answer) => {
  answer.progress = { status, layers: 1, totalBytes: 9, completedBytes: 9 }
  answer.terminated = status === 'success'
}
const leaving = { close: { endBy: 'client', endPhase: 'data', upstreamComplete: false } } as const
const cut = { close: { endBy: 'upstream', endPhase: 'data', upstreamComplete: false } } as const

describe('outcome', () => {
  it.each<[string, ExchangeParts, ((answer: Answer) => void) | null, Partial<Observed>, string]>([
    ['a complete stream', {}, complete, {}, 'ok'],
    ['a stream that ended cleanly after a finish reason, without its terminator', {}, finished, {}, 'ok'],
    ['a stream that ended cleanly in the middle', {}, said, {}, 'upstream_cut'],
    ['a clean stream with nothing in it', {}, () => {}, {}, 'empty'],
    [
      'a stream with only its terminator',
      {},
      (answer) => {
        answer.terminated = true
      },
      {},
      'empty',
    ],
    [
      'a model that had nothing to say',
      {},
      (answer) => {
        answer.finish(0, 'stop', 'stop')
        answer.terminated = true
      },
      {},
      'ok',
    ],
    ['an answer without a body where one was due', {}, null, { framing: 'none' }, 'empty'],
    [
      'an answer whose bytes were not captured',
      { response: { pieces: [], size: 500, whole: false } },
      null,
      { framing: 'none' },
      'ok',
    ],
    ['a stream of which the end was not kept', { response: kept(0, 100) }, said, {}, 'ok'],
    ['a stream of which nothing is kept but its head', { response: kept(0, 100) }, () => {}, {}, 'ok'],
    [
      'a stream that ended in the middle, of which the end is kept',
      { response: kept(400, 100) },
      said,
      {},
      'upstream_cut',
    ],
    ['a whole JSON answer', {}, complete, { framing: 'json' }, 'ok'],
    [
      'embeddings',
      {},
      (answer) => {
        answer.embeddings = 2
        answer.terminated = true
      },
      { framing: 'json', operation: 'embeddings' },
      'ok',
    ],
    [
      'a length stop',
      {},
      (answer) => {
        said(answer)
        answer.finish(0, 'length', 'length')
        answer.terminated = true
      },
      {},
      'truncated',
    ],
    [
      'a filter',
      {},
      (answer) => {
        said(answer)
        answer.finish(0, 'content_filter', 'content_filter')
      },
      {},
      'filtered',
    ],
    ['a transfer that succeeded', {}, transferred('success'), { operation: 'pull' }, 'ok'],
    ['a transfer that stopped short', {}, transferred('pulling manifest'), { operation: 'pull' }, 'upstream_cut'],
    ['a transfer that nobody told of', {}, () => {}, { operation: 'pull' }, 'empty'],
    ['a complete array', {}, finished, { framing: 'json-array' }, 'ok'],
    ['an empty array', {}, () => {}, { framing: 'json-array' }, 'empty'],
    ['an array that ended in the middle', {}, said, { framing: 'json-array' }, 'upstream_cut'],
    ['an error status', { head: { status: 429 } }, () => {}, { framing: 'json' }, 'upstream_error_http'],
    ['an error status whose body was cut', { head: { status: 500 }, ...cut }, null, {}, 'upstream_error_http'],
    [
      'an error in a stream',
      {},
      (answer) => {
        said(answer)
        answer.fail({ message: 'down', type: null, code: null })
      },
      {},
      'upstream_error_stream',
    ],
    [
      'an error in a stream on which the client hung up',
      leaving,
      (answer) => answer.fail({ message: 'down', type: null, code: null }),
      {},
      'upstream_error_stream',
    ],
    ['a client that left in the middle', leaving, said, {}, 'client_cut'],
    ['a client that left after the last event', leaving, complete, {}, 'ok'],
    [
      'a client that left before there was an answer',
      { head: null, close: { endBy: 'client', endPhase: 'headers', upstreamComplete: false } },
      null,
      {},
      'client_cut',
    ],
    ['an upstream that broke off', cut, said, {}, 'upstream_cut'],
    ['an upstream that broke off after the last event', cut, complete, {}, 'upstream_cut'],
    [
      'no upstream',
      {
        head: null,
        close: {
          endBy: 'upstream',
          endPhase: 'connect',
          upstreamComplete: false,
          failure: { code: 'upstream_refused', message: 'refused' },
        },
      },
      null,
      {},
      'proxy_error',
    ],
    [
      'an end of ours',
      { close: { endBy: 'proxy', endPhase: 'data', upstreamComplete: false } },
      said,
      {},
      'proxy_error',
    ],
    ['a process that died', { close: null }, said, {}, 'interrupted'],
    ['a list of models', {}, null, { operation: 'models', format: null, framing: 'json' }, 'ok'],
  ])('%s', (_name, exchange, fill, observed, expected) => {
    expect(ending(exchange, fill, observed).outcome).toBe(expected)
  })

  it('says what the provider said about its error', () => {
    const error = { message: 'slow down', type: 'rate_limit', code: '429' }
    expect(ending({ head: { status: 429 } }, (answer) => answer.fail(error))).toEqual({
      outcome: 'upstream_error_http',
      endBy: null,
      endPhase: 'done',
      errorType: 'rate_limit',
      errorCode: '429',
      errorMessage: 'slow down',
    })
  })

  it('says what failed where the provider said nothing', () => {
    const failure = { code: 'upstream_refused', message: 'the upstream refused the connection' }
    expect(
      ending({ head: null, close: { endBy: 'upstream', endPhase: 'connect', failure, upstreamComplete: false } }, null),
    ).toMatchObject({
      errorType: 'upstream_refused',
      errorCode: 'upstream_refused',
      errorMessage: 'the upstream refused the connection',
    })
    expect(ending({ head: { status: 502, reason: 'Bad Gateway' } }, null)).toMatchObject({
      errorType: 'http_502',
      errorCode: null,
      errorMessage: 'the upstream answered 502 Bad Gateway',
    })
    expect(ending(cut, said).errorMessage).toMatch(/upstream ended/)
  })

  it('has no error where there was none', () => {
    expect(ending({}, complete)).toMatchObject({ errorType: null, errorCode: null, errorMessage: null })
  })
})
