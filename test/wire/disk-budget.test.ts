import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually } from '../support/within.ts'

const completion = {
  id: 'c',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
}
const headers = [['content-type', 'application/json']] as const
const question = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] })
const ask = requestBytes('POST', '/v1/chat/completions', headers, question)
const limit = 8_000_000

const health = async (proxy: TestProxy) =>
  (await rawExchange(proxy.port, requestBytes('GET', '/health'))).json as Health
interface Health {
  services: { journal: { state: string } }
  records: Record<'accepted' | 'stored' | 'pending' | 'quarantined' | 'dropped' | 'unprotected', number>
}

/** Something else of ours that takes this part of the limit, until it is removed. */
function ballast(proxy: TestProxy, part: number): () => void {
  const directory = join(proxy.dataDir, 'journal', 'quarantine')
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'ballast.frames')
  writeFileSync(path, Buffer.alloc(limit * part))
  return () => rmSync(path)
}

const stateIs = (proxy: TestProxy, wanted: string) =>
  eventually(`the journal to be ${wanted}`, async () => (await health(proxy)).services.journal.state === wanted)

it('serves on when the disk budget is used up, counts every call exactly, and records again without a restart', async () => {
  await using upstream = await scriptedUpstream(() => json(completion))
  await using proxy = await startProxy({ upstreams: { openai: upstream.port }, journalLimitBytes: limit })
  const exact = async () => {
    const { accepted, stored, pending, quarantined, dropped } = (await health(proxy)).records
    expect(stored + pending + quarantined + dropped).toBe(accepted)
    return dropped
  }
  expect((await rawExchange(proxy.port, ask)).status).toBe(200)

  let free = ballast(proxy, 0.85)
  await stateIs(proxy, 'degraded')
  const lean = await rawExchange(proxy.port, ask)
  expect(lean.json).toEqual(completion)
  expect(await exact()).toBe(0)
  free()

  free = ballast(proxy, 1)
  await stateIs(proxy, 'down')
  for (let count = 0; count < 5; count++) expect((await rawExchange(proxy.port, ask)).json).toEqual(completion)
  expect(await exact()).toBe(5)
  expect((await rawExchange(proxy.port, requestBytes('GET', '/ready'))).status).toBe(200)
  free()

  await stateIs(proxy, 'ok')
  const again = await rawExchange(proxy.port, ask)
  const records = await proxy.records()
  expect(records).toHaveLength(4) // three calls and the gap
  expect(await exact()).toBe(5)
  const { telemetry, run } = await proxy.record(lean.header('x-sightglass-id'))
  expect(telemetry.metadata.notes.join()).toContain('journal.limit')
  expect(telemetry.metadata.response_sha256).toBeNull()
  expect(run.completion).toBeNull()
  const gap = records.find((record) => record.telemetry.metadata.method === 'GAP')
  expect(gap?.telemetry.metadata.error_message).toMatch(/^5 calls were not recorded from \S+Z to \S+Z$/)
  expect((await proxy.record(again.header('x-sightglass-id'))).run.completion).toBe('yes')
})

it('refuses calls while the disk budget is used up where the settings say so, in the shape of each API', async () => {
  await using upstream = await scriptedUpstream(() => json(completion))
  await using proxy = await startProxy({
    upstreams: { openai: upstream.port, anthropic: upstream.port },
    journalLimitBytes: limit,
    journalFull: 'refuse',
  })
  const free = ballast(proxy, 1)
  await stateIs(proxy, 'down')
  const refused = await rawExchange(proxy.port, ask)
  expect([refused.status, refused.header('retry-after')]).toEqual([503, '5'])
  expect(refused.json).toMatchObject({ error: { type: 'service_unavailable', code: 'journal_full' } })
  const other = await rawExchange(proxy.port, requestBytes('POST', '/v1/messages', headers, question))
  expect([other.status, other.json]).toMatchObject([503, { type: 'error', error: { type: 'service_unavailable' } }])
  expect((await rawExchange(proxy.port, requestBytes('GET', '/ready'))).status).toBe(503)
  expect(upstream.requests).toHaveLength(0)
  free()
  await stateIs(proxy, 'ok')
  expect((await rawExchange(proxy.port, requestBytes('GET', '/ready'))).status).toBe(200)
  expect((await rawExchange(proxy.port, ask)).status).toBe(200)
  expect((await health(proxy)).records).toMatchObject({ dropped: 0 })
})
