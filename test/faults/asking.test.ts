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

const event = (rest: object): Buffer => chunk(`data: ${JSON.stringify({ model: 'gpt-4o-mini', ...rest })}\n\n`)
const word = (content: string): Buffer => event({ choices: [{ index: 0, delta: { content } }], usage: null })
const ask = (prompt: string): Buffer =>
  requestBytes(
    'POST',
    '/v1/chat/completions',
    [],
    JSON.stringify({ stream: true, messages: [{ role: 'user', content: prompt }] }),
  )

it('a stream that was asked for its usage has a complete record once its end reached the client, also after kill -9, and one that was cut short says what it was', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-asking-'))
  await using upstream = await scriptedUpstream(async function* (request) {
    yield 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
    yield word('begun')
    if (request.bodyText.includes('endless')) yield { until: signal().promise }
    yield event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 } })
    yield chunk('data: [DONE]\n\n')
    yield '0\r\n\r\n'
  })
  const proxy = await spawnProxy({ dataDir, upstreams: { openai: upstream.port }, env: { INCLUDE_USAGE: 'true' } })
  const endless = await rawConnect(proxy.port)
  await endless.send(ask('endless'))
  await endless.bodyText('begun')
  const short = await rawConnect(proxy.port)
  const all = await short.exchange(ask('short'))
  process.kill(proxy.pid, 'SIGKILL')
  await proxy.exited
  expect(all.ended).toBe('clean')
  expect(all.bodyText).not.toContain('usage')

  await using again = await startProxy({ dataDir })
  const complete = await again.record(all.header('x-sightglass-id'))
  expect(complete.telemetry.metadata).toMatchObject({
    outcome: 'ok',
    token_source: 'reported',
    prompt_tokens: 7,
    usage_asked: true,
  })
  expect(complete.telemetry.metadata.withheld_bytes).toBeGreaterThan(0)
  const cut = await again.record((await endless.head()).header('x-sightglass-id'))
  expect(cut.telemetry.metadata).toMatchObject({ outcome: 'interrupted', usage_asked: true, withheld_bytes: null })
  await again.stop()
  await rm(dataDir, { recursive: true, force: true })
}, 40_000)
