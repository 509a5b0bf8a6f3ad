import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answer, chunk } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually, signal } from '../support/within.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightglass-upkeep-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const segmentsOf = (dataDir: string): string[] =>
  readdirSync(join(dataDir, 'journal'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.journal'),
  )

it('deletes the journal behind itself while it runs, also behind a stream that stays open, and stores that whole', async () => {
  const goOn = signal()
  const body = 'x'.repeat(64 << 10)
  await using upstream = await scriptedUpstream((request) =>
    request.target.endsWith('/long')
      ? [
          'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
          chunk('begun'),
          { until: goOn.promise },
          chunk(' done'),
          '0\r\n\r\n',
        ]
      : answer({ body }),
  )
  await using proxy = await startProxy({ upstreams: { openai: upstream.port }, segmentBytes: 256 << 10 })
  const long = await rawConnect(proxy.port, { deadlineMs: 30_000 })
  await long.send(requestBytes('GET', '/v1/long'))
  await long.bodyText('begun')
  const client = await rawConnect(proxy.port)
  let most = 0
  for (let call = 0; call < 60; call++) {
    await client.exchange(requestBytes('GET', '/v1/short'))
    most = Math.max(most, ...segmentsOf(proxy.dataDir).map((name) => Number(/(\d+)\.journal$/.exec(name)![1])))
  }
  expect(most).toBeGreaterThan(10)
  await eventually('the journal to be short again', () => segmentsOf(proxy.dataDir).length <= 4, 15_000)
  goOn.give()
  const all = await long.answered()
  expect(all).toMatchObject({ bodyText: 'begun done', ended: 'clean' })
  const id = all.header('x-sightglass-id')!
  expect((await proxy.record(id)).telemetry.metadata).toMatchObject({ outcome: 'ok', response_size: 10 })
  expect(Buffer.from((await proxy.store.body(null, id, 'response'))!.bytes).toString()).toBe('begun done')
  expect(await proxy.records()).toHaveLength(61)
}, 60_000)

it('keeps the name of an instance over restarts, and gives every data directory its own', async () => {
  await using upstream = await scriptedUpstream(() => answer({ body: '{}' }))
  const instanceIn = async (dataDir: string): Promise<string> => {
    await using proxy = await startProxy({ dataDir, upstreams: { openai: upstream.port } })
    const all = await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))
    return (await proxy.record(all.header('x-sightglass-id'))).telemetry.instance
  }
  const first = await instanceIn(join(folder, 'one'))
  expect(await instanceIn(join(folder, 'one'))).toBe(first)
  expect(await instanceIn(join(folder, 'two'))).not.toBe(first)
})
