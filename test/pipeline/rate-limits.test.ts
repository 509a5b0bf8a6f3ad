import { describe, expect, it } from 'vitest'
import { limitsOf, retryAfterMs, waitMs } from '../../src/pipeline/rate-limits.ts'
import type { HeaderPairs } from '../../src/records/exchange.ts'
import { loadSample } from '../support/samples.ts'

const headAtMs = Date.parse('2026-11-21T09:00:00Z')
const headersOf = (sample: string): HeaderPairs => loadSample(sample).response.headers

describe('a wait', () => {
  it.each<[string, number | null]>([
    ['12ms', 12],
    ['1s', 1000],
    ['8.64s', 8640],
    ['6m0s', 360_000],
    ['2m30s', 150_000],
    ['1h2m3.5s', 3_723_500],
    ['1d2h', 93_600_000],
    ['1m12.5s', 72_500],
    ['20', 20_000],
    ['33011.382867', 33_011_382.867],
    ['1795251660', 60_000],
    ['1795251660000', 60_000],
    ['2026-11-21T09:00:30Z', 30_000],
    ['2026-11-21T10:00:30.5+01:00', 30_500],
    ['Sat, 21 Nov 2026 09:00:20 GMT', 20_000],
    ['2026-11-21T08:00:00Z', 0],
    ['0', 0],
    ['', null],
    ['soon', null],
    ['-5', null],
    ['5 apples', null],
    ['ms', null],
  ])('of %j is %j ms from the head on', (text, ms) => {
    expect(waitMs(text, headAtMs)).toBe(ms)
  })
})

describe('limits in one vocabulary', () => {
  const limit = (name: string, limit: number | null, remaining: number | null, reset_ms: number | null) => ({
    name,
    limit,
    remaining,
    reset_ms,
  })

  it.each<[string, object[]]>([
    [
      'openai/shapes/error-retry-after-seconds',
      [limit('requests', 3, 0, 20_000), limit('tokens', 60_000, 59_983, 72_500)],
    ],
    ['mistral/chat', [limit('requests_minute', 60, 58, null), limit('tokens_minute', 500_000, 498_211, null)]],
    [
      'cerebras/chat',
      [limit('requests_day', 14_400, 14_399, 33_011_382.867), limit('tokens_minute', 64_000, 63_900, 11_382.867)],
    ],
    ['together/chat', [limit('requests', 10, 9, 1000), limit('tokens', 3000, 2960, null)]],
    ['sambanova/chat', [limit('requests', 240, 239, 60_000)]],
  ])('of %s', (sample, expected) => {
    expect(limitsOf(headersOf(sample), headAtMs)).toEqual(expected)
  })

  it('of Anthropic have their kinds of tokens apart, and moments', () => {
    expect(
      limitsOf(
        [
          ['anthropic-ratelimit-input-tokens-limit', '80000'],
          ['Anthropic-RateLimit-Input-Tokens-Remaining', '79000'],
          ['anthropic-ratelimit-input-tokens-reset', '2026-11-21T09:00:01Z'],
          ['anthropic-ratelimit-requests-remaining', '49'],
        ],
        headAtMs,
      ),
    ).toEqual([limit('input_tokens', 80_000, 79_000, 1000), limit('requests', null, 49, null)])
  })

  it('are none without such headers, and bounded where there are very many', () => {
    expect(limitsOf([['x-request-id', '1']], headAtMs)).toBeNull()
    const many = Array.from({ length: 100 }, (_, n): [string, string] => [`x-ratelimit-limit-kind${n}`, '1'])
    expect(limitsOf(many, headAtMs)).toHaveLength(16)
  })
})

describe('retry-after', () => {
  it.each<[string, number | null]>([
    ['openai/shapes/error-retry-after-seconds', 20_000],
    ['openai/shapes/error-retry-after-date', 20_000],
    ['openai/shapes/error-retry-after-milliseconds', 1500],
    ['cerebras/error-rate-limit', 12_000],
    ['openai/chat', null],
  ])('of %s is %j ms', (sample, ms) => {
    expect(retryAfterMs(headersOf(sample), headAtMs)).toBe(ms)
  })
})
