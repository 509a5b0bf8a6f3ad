import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chunk } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { signal } from '../support/within.ts'

const ask = requestBytes('POST', '/v1/chat/completions', [['content-type', 'application/json']], '{"stream":true}')
const upload = 'POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nfirst'
const event = 'data: {"choices":[{"index":0,"delta":{"content":"begun"}}]}\n\n'

it.each(['cancel', 'drain'])(
  'cuts streams and uploads at the drain limit, says so in their records, and ends with 0 (on_disconnect: %s)',
  async (onDisconnect) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-stop-'))
    try {
      await using upstream = await scriptedUpstream(({ target }) => [
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${target.endsWith('completions') ? 'transfer-encoding: chunked\r\n\r\n' : '\r\n'}`,
        target.endsWith('completions') ? chunk(event) : event,
        { until: signal().promise },
      ])
      const proxy = await spawnProxy({
        dataDir,
        upstreams: { openai: upstream.port },
        env: { DRAIN_LIMIT: '200ms', ON_DISCONNECT: onDisconnect },
      })
      const clients = await Promise.all([1, 2, 3, 4].map(() => rawConnect(proxy.port)))
      const [stream, plain, uploading, gone] = clients as [(typeof clients)[0], ...typeof clients]
      await stream.send(ask)
      await plain!.send(requestBytes('GET', '/v1/models'))
      await gone!.send(ask)
      for (const client of [stream, plain, gone]) await client!.bodyText('begun')
      await uploading!.send(upload)
      await upstream.request(3)
      gone!.leave()
      expect(await proxy.stop()).toEqual({ code: 0, signal: null })
      // an answer without length or chunks would end cleanly by a FIN
      expect((await plain!.answered()).ended).toBe('RST')
      expect((await stream.answered()).ended).not.toBe('clean')
      expect((await uploading!.answered()).status).toBeNull()

      await using again = await startProxy({ dataDir })
      const ends = (await again.records()).map(({ telemetry: { metadata } }) => [metadata.outcome, metadata.error_code])
      expect(ends.sort()).toEqual([
        ['client_cut', null],
        ['proxy_error', 'proxy_stopped'],
        ['proxy_error', 'proxy_stopped'],
        ['proxy_error', 'proxy_stopped'],
      ])
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  },
  40_000,
)
