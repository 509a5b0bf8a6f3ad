import { brotliCompressSync, constants } from 'node:zlib'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { canWatch, residentMib } from '../support/process-watch.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { eventually } from '../support/within.ts'

const mib = 1 << 20

it.skipIf(!canWatch)(
  'stays within bounds while 16 clients do not read what 64 MiB answers bring',
  async () => {
    const piece = Buffer.alloc(mib, 'x')
    await using upstream = await scriptedUpstream(async function* (request) {
      if (request.target.endsWith('/small')) return yield* json({ ok: true })
      yield `HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${64 * mib}\r\n\r\n`
      for (let sent = 0; sent < 64; sent++) yield piece
    })
    await using proxy = await spawnProxy({ upstreams: { openai: upstream.port } })
    for (let round = 0; round < 20; round++) await rawExchange(proxy.port, requestBytes('GET', '/v1/small'))
    const idle = residentMib(proxy.pid)
    const clients = await Promise.all(Array.from({ length: 16 }, () => rawConnect(proxy.port, { deadlineMs: 60_000 })))
    for (const client of clients) {
      client.socket.pause()
      await client.send(requestBytes('GET', '/v1/large'))
    }
    await eventually(
      'all large answers to have begun',
      () => upstream.requests.filter(({ target }) => target.endsWith('/large')).length === 16,
    )
    let most = 0
    let last = -1
    await eventually(
      'memory to stand still',
      () => {
        const now = residentMib(proxy.pid)
        most = Math.max(most, now)
        const still = Math.abs(now - last) < 0.5
        last = now
        return still
      },
      10_000,
      200,
    )
    expect(most - idle).toBeLessThan(100)
    for (const client of clients) client.socket.resume()
    for (const client of clients) expect((await client.answered(60_000)).body.length).toBe(64 * mib)
  },
  120_000,
)

it.skipIf(!canWatch)(
  'passes a compression bomb on untouched and never unpacks more than it may',
  async () => {
    const bomb = brotliCompressSync(Buffer.alloc(256 * mib), { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
    await using upstream = await scriptedUpstream(() => [
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: br\r\ncontent-length: ${bomb.length}\r\n\r\n`,
      bomb,
    ])
    await using proxy = await spawnProxy({ upstreams: { openai: upstream.port } })
    const idle = residentMib(proxy.pid)
    const all = await rawExchange(
      proxy.port,
      requestBytes('POST', '/v1/chat/completions', [], '{"model":"m","messages":[]}'),
    )
    expect(all.body.equals(bomb)).toBe(true)
    const headers = { authorization: `Bearer ${proxy.adminToken}` }
    const id = all.header('x-sightglass-id')
    let most = 0
    const run = await eventually('the record', async () => {
      most = Math.max(most, residentMib(proxy.pid))
      const answer = await fetch(`${proxy.url}/llm-history/${id}`, { headers })
      return answer.ok ? ((await answer.json()) as { telemetry: { metadata: { notes: string[] } } }) : null
    })
    expect(run.telemetry.metadata.notes.join(' ')).not.toBe('')
    expect(most - idle).toBeLessThan(160)
  },
  60_000,
)
