import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

it('goes on recording, without a restart, after somebody removed the directory of the journal', async () => {
  await using upstream = await scriptedUpstream(() => json({ model: 'm', choices: [] }))
  await using proxy = await startProxy({ upstreams: { openai: upstream.port }, segmentBytes: 64 * 1024 })
  const call = async (number: number) => {
    const body = JSON.stringify({
      model: 'm',
      messages: [{ role: 'user', content: `${number} ${'x'.repeat(10_000)}` }],
    })
    const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', [], body))
    expect(all.status).toBe(200)
  }
  await call(0)
  await proxy.settled()
  await rm(join(proxy.dataDir, 'journal'), { recursive: true })
  // more than one segment, so that new ones are needed
  for (let number = 1; number < 30; number++) await call(number)
  expect(await proxy.records()).toHaveLength(30)
})
