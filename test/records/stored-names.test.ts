import { expect, it } from 'vitest'
import { storedNames } from '../../src/records/stored-names.ts'

it('writes the names of our own fields with underscores, at every depth, and leaves values alone', () => {
  expect(
    storedNames({
      cacheWrite1h: 3,
      costReportedUsd: '0.1',
      toolCalls: [{ toolCallId: null, arguments: '{"aB":1}' }],
      text: 'camelCase stays',
    }),
  ).toEqual({
    cache_write_1h: 3,
    cost_reported_usd: '0.1',
    tool_calls: [{ tool_call_id: null, arguments: '{"aB":1}' }],
    text: 'camelCase stays',
  })
})
