import { expect, it } from 'vitest'
import { connectionEvents } from '../../src/delivery/connection-events.ts'
import type { SinkState } from '../../src/delivery/sink-status.ts'
import type { ConnectionEvent } from '../../src/records/connection-log.ts'

const ok: SinkState = { state: 'ok', code: null, since_ms: null }
const away = (since_ms: number): SinkState => ({ state: 'degraded', code: 'MongoNetworkError', since_ms })

function told(states: readonly (readonly [number, SinkState])[]) {
  const events: ConnectionEvent[] = []
  let now = 0
  const happened = connectionEvents('mongodb', { wall: () => now }, (event) => events.push(event))
  for (const [at, state] of states) {
    now = at
    happened(state)
  }
  return events.map(({ timestamp_ms, event_type, status, metadata }) => ({
    timestamp_ms,
    event_type,
    status,
    metadata,
  }))
}

it('tells of the first contact, of each loss once, and of each return with how long it took', () => {
  const lost = away(2_000)
  const event = (timestamp_ms: number, event_type: string, status: string, more = {}) => ({
    timestamp_ms,
    event_type,
    status,
    metadata: { database: 'mongodb', ...more },
  })
  expect(
    told([
      [1_000, ok],
      [1_500, ok],
      [2_000, lost],
      [3_000, lost],
      [4_000, { ...lost, state: 'down' }],
      [9_000, ok],
      [9_500, away(9_400)],
    ]),
  ).toEqual([
    event(1_000, 'database_connected', 'success'),
    event(2_000, 'database_lost', 'error', { code: 'MongoNetworkError' }),
    event(9_000, 'database_reconnected', 'success', { away_ms: 7_000 }),
    event(9_500, 'database_lost', 'error', { code: 'MongoNetworkError' }),
  ])
})

it('tells a database that was never reached from one that was lost', () => {
  const types = told([
    [1_000, away(1_000)],
    [2_000, away(1_000)],
    [3_000, ok],
  ]).map(({ event_type }) => event_type)
  expect(types).toEqual(['database_connection_failed', 'database_connected'])
})
