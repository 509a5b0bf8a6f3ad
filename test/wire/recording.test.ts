import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const completion = {
  id: 'c',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
}
const ask = requestBytes(
  'POST',
  '/v1/chat/completions',
  [['content-type', 'application/json']],
  JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] }),
)

const median = (values: number[]): number => values.sort((one, other) => one - other)[values.length >> 1]!

it('answers as fast while the database is locked by somebody else, and stores everything afterwards (C11)', async () => {
  await using upstream = await scriptedUpstream(() => json(completion))
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  const rounds = async (): Promise<number[]> => {
    const took: number[] = []
    for (let round = 0; round < 50; round++) {
      const { endAtMs, sentAtMs, status } = await client.exchange(ask)
      expect(status).toBe(200)
      took.push(endAtMs - sentAtMs)
    }
    return took
  }
  const free = median(await rounds())
  await proxy.settled()
  const other = new DatabaseSync(join(proxy.dataDir, 'sightglass.sqlite'))
  other.exec('BEGIN IMMEDIATE')
  const locked = median(await rounds())
  other.exec('ROLLBACK')
  other.close()
  expect(locked - free).toBeLessThan(20)
  expect((await proxy.records()).length).toBe(100)
})

it('leaves one telemetry and one run for each of 100 mixed calls, joined one to one (C13)', async () => {
  await using upstream = await scriptedUpstream((request) =>
    request.method === 'GET'
      ? json({ object: 'list', data: [] })
      : request.target.endsWith('fail')
        ? ['RST']
        : json(completion),
  )
  await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
  const client = await rawConnect(proxy.port)
  const ids = new Set<string>()
  for (let call = 0; call < 100; call++) {
    const request =
      call % 5 === 0
        ? requestBytes('GET', '/v1/models')
        : call % 7 === 0
          ? requestBytes('POST', '/v1/fail', [], '{}')
          : ask
    ids.add((await client.exchange(request)).header('x-sightglass-id')!)
  }
  const records = await proxy.records()
  expect(records).toHaveLength(100)
  expect(new Set(records.map(({ telemetry }) => telemetry._id))).toEqual(ids)
  for (const { telemetry, run } of records) {
    expect(run._id).toBe(telemetry._id)
    expect(run.request_id).toBe(telemetry.request_id)
    expect(telemetry.request_id).toBe(telemetry._id)
  }
  const usage = await proxy.store.usage(null, { groupBy: [] })
  expect(usage.totals.requests).toBe(records.filter(({ telemetry }) => telemetry.metadata.operation === 'chat').length)
})
