import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { apiRoutes } from '../../src/api/routes/index.ts'
import { aRecord } from '../support/records.ts'
import { adminToken, apiOver, idOf, type TestApi } from './api-server.ts'

const records = [aRecord({ metadata: { key_id: idOf('sk-1') } })]
const paths = apiRoutes('1.2.3', 0).map(({ path }) => path.replace('{id}', records[0]!.telemetry._id))
const names = [
  'project',
  'key',
  'user',
  'model',
  'from',
  'to',
  'tz',
  'group_by',
  'limit',
  'skip',
  'cursor',
  'text',
  'raw',
]

const someValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '1',
    'day',
    'day,model',
    'UTC',
    'Europe/Berlin',
    '2026-11-20',
    '24h',
    '%',
    '[]',
    '{"$ne":1}',
    "' OR 1=1 --",
    '-0',
    'NaN',
  ),
)
const someQuery = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 8 })), someValue), {
  maxLength: 4,
})

it('answers whatever it is asked, refuses by rule, and fails at nothing', async () => {
  const api = await apiOver(records)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      someQuery,
      fc.constantFrom(adminToken, 'sk-1', null),
      async (path, query, key) => {
        const response = await api.get(
          `${path}?${new URLSearchParams(query.map(([name, value]): [string, string] => [name, value.toWellFormed()]))}`,
          key,
        )
        const text = await response.text()
        expect([200, 400, 401, 403, 404, 422]).toContain(response.status)
        if (response.status !== 200) expect(JSON.parse(text).error.message).toEqual(expect.any(String))
      },
    ),
    { numRuns: 400 },
  )
  expect(api.failures).toEqual([])
}, 60_000)

it.each([
  ['GET /usage?limit=%zz HTTP/1.1', 422],
  ['GET /usage?%=% HTTP/1.1', 422],
  ['GET /usage?model=%ff%fe HTTP/1.1', 200],
  ['GET /llm-history/%E0%A4%A HTTP/1.1', 404],
  ['GET /llm-history/../usage HTTP/1.1', 200],
  ['GET /llm-history/..%2fusage HTTP/1.1', 404],
  ['GET //usage HTTP/1.1', 404],
  ['GET /usage/ HTTP/1.1', 200],
  ['GET /usage/\\self HTTP/1.1', 400],
  ['GET http://elsewhere.test/usage HTTP/1.1', 200],
  ['GET /usage;a=b HTTP/1.1', 404],
  ['GET /USAGE HTTP/1.1', 404],
])('answers %s as sent on a raw socket', async (line, status) => {
  const api = await apiOver(records)
  expect(Number((await rawAnswer(api, line)).split(' ')[1])).toBe(status)
  expect(api.failures).toEqual([])
})

function rawAnswer({ port }: TestApi, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        `${line}\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${adminToken}\r\nConnection: close\r\n\r\n`,
      )
    })
    const parts: Buffer[] = []
    socket.on('data', (part) => parts.push(part))
    socket.on('end', () => resolve(Buffer.concat(parts).toString('latin1')))
    socket.on('error', reject)
  })
}
