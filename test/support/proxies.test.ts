import { describe, expect, it } from 'vitest'
import { always, json } from './answer.ts'
import { startProxy } from './proxy.ts'
import { rawExchange, requestBytes } from './raw-client.ts'
import { scriptedUpstream } from './scripted-upstream.ts'
import { spawnProxy } from './spawn-proxy.ts'

const request = requestBytes('GET', '/v1/models', [['authorization', 'Bearer sk-test']])

describe('the proxies of the tests', () => {
  it('run in this process and show what they recorded', async () => {
    await using upstream = await scriptedUpstream(always(json({ data: [] })))
    await using proxy = await startProxy({ upstreams: { openai: upstream.port } })
    const got = await rawExchange(proxy.port, request)
    const [record, ...more] = await proxy.records()
    expect(more).toEqual([])
    expect(record?.telemetry._id).toBe(got.header('x-sightglass-id'))
    expect((await proxy.record(got.header('x-sightglass-id'))).telemetry.metadata.status_code).toBe(200)
    await expect(proxy.record('nobody')).rejects.toThrow('nobody: no such record')
  })

  it('run as processes of their own and end when they are told to', async () => {
    await using upstream = await scriptedUpstream(always(json({ data: [] })))
    const proxy = await spawnProxy({ upstreams: { openai: upstream.port } })
    const got = await rawExchange(proxy.port, request)
    expect(got.json).toEqual({ data: [] })
    expect(await proxy.stop()).toEqual({ code: 0, signal: null })
  })

  it('tell what a process that would not start had to say', async () => {
    await expect(spawnProxy({ env: { PORT: 'soon' } })).rejects.toThrow(/ended \(1\) before it was ready:.*PORT/s)
  })
})
