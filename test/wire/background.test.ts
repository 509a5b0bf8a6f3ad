import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answer, json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { loadSample } from '../support/samples.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'

/** A response made in the background is told by every call that fetches it. It was made once, and counts once. */
let upstream: ScriptedUpstream
let dataDir: string
let script: Step[] = []

beforeAll(async () => {
  upstream = await scriptedUpstream(() => script)
  dataDir = await mkdtemp(join(tmpdir(), 'sightglass-background-'))
})

afterAll(async () => {
  await upstream.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const played = (name: string): Step[] => {
  const { response } = loadSample(name)
  return answer({ ...response, pieces: response.pieces.map(([, bytes]) => [0, bytes]) })
}

it('counts a background response that is polled again and again once, also after a new start', async () => {
  const asked: string[] = []
  const call = async (port: number, method: string, path: string, name: string): Promise<void> => {
    script = played(name)
    const body = method === 'POST' ? loadSample(name).request.body : undefined
    const { status } = await rawExchange(port, requestBytes(method, path, [['content-type', 'application/json']], body))
    expect(status).toBe(200)
    asked.push(name)
  }
  const first = await startProxy({ dataDir, upstreams: { openai: upstream.port } })
  await call(first.port, 'POST', '/v1/responses', 'openai/responses-background')
  await call(first.port, 'GET', '/v1/responses/resp_bg1', 'openai/responses-background-poll-queued')
  await call(first.port, 'GET', '/v1/responses/resp_bg1', 'openai/responses-background-poll-done')
  await call(first.port, 'GET', '/v1/responses/resp_bg1', 'openai/responses-background-poll-done')
  await first.settled()
  await first.stop()
  const second = await startProxy({ dataDir, upstreams: { openai: upstream.port } })
  await call(second.port, 'GET', '/v1/responses/resp_bg1', 'openai/responses-background-poll-done')
  const records = await second.records()
  expect(records.map(({ telemetry: { metadata } }) => [metadata.operation, metadata.total_tokens])).toEqual([
    ['chat', null],
    ['other', null],
    ['chat', 16],
    ['other', null],
    ['other', null],
  ])
  const [made, , fetched, again] = records
  expect(made?.telemetry.metadata).toMatchObject({ token_source: 'none', outcome: 'ok', cost_usd: null })
  expect(made?.telemetry.metadata.notes.join()).toContain('it counts with the call that fetches it')
  expect(fetched?.telemetry.metadata).toMatchObject({ token_source: 'reported', cost_usd: 0.0001025 })
  expect(again?.run.completion).toBe('The Kattegat')
  expect(again?.telemetry.metadata.notes).toEqual([
    `the answer was told before: its tokens count with the call ${fetched?.telemetry._id}`,
  ])
  const usage = await second.store.usage(null, { groupBy: [], operations: 'all' })
  expect(usage.totals).toMatchObject({ requests: 5, total_tokens: 16, cost_usd: 0.0001025 })
  await second.stop()
})

it('does not count a response again that was not made in the background', async () => {
  const proxy = await startProxy({ upstreams: { openai: upstream.port } })
  script = json(JSON.parse(loadSample('openai/responses-get').response.pieces[0]![1].toString()))
  await rawExchange(proxy.port, requestBytes('GET', '/v1/responses/resp_w1', []))
  const [only] = await proxy.records()
  expect(only?.telemetry.metadata).toMatchObject({ operation: 'other', total_tokens: null, cost_usd: null })
  await proxy.stop()
})
