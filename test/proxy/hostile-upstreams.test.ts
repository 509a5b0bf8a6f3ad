import { expect, it } from 'vitest'
import { pipe } from '../support/pipe.ts'
import { rawConnect, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually } from '../support/within.ts'

it.each([
  ['200 with a body', 'HTTP/1.1 200 O\x01K\r\ncontent-length: 2\r\n\r\nok'],
  ['200 without one', 'HTTP/1.1 200 O\x01K\r\ncontent-length: 0\r\n\r\n'],
  ['204', 'HTTP/1.1 204 O\x7fK\r\n\r\n'],
])('passes on a %s whose reason holds a control character', async (_what, bytes) => {
  await using upstream = await scriptedUpstream(() => [bytes])
  await using proxy = await pipe({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  for (let round = 0; round < 2; round++) {
    const all = await client.exchange(requestBytes('GET', '/v1/models'))
    expect(all).toMatchObject({ status: Number(bytes.slice(9, 12)), reason: 'O?K', ended: 'clean' })
    expect(all.bodyText).toBe(bytes.split('\r\n\r\n')[1])
  }
  await eventually('no call to be under way', () => proxy.active() === 0)
})
