import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { loadProviders } from '../../../providers/index.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { AskingCall } from '../../../src/proxy/asking/asking-call.ts'
import { callMaker } from '../../../src/proxy/asking/asks.ts'
import { Call } from '../../../src/proxy/call.ts'
import { openUpstreams } from '../../../src/proxy/upstreams.ts'
import type { Settings } from '../../../src/settings/settings.ts'
import { answer } from '../../support/answer.ts'
import { pipe } from '../../support/pipe.ts'
import { rawConnect, rawExchange, requestBytes } from '../../support/raw-client.ts'
import { scriptedUpstream } from '../../support/scripted-upstream.ts'
import { testSettings } from '../../support/settings.ts'
import { eventually } from '../../support/within.ts'

const providers = await loadProviders()

async function kindOf(
  settings: Settings,
  project: string,
  upstreamName = 'openai',
  path = '/v1/chat/completions',
): Promise<unknown> {
  const upstreams = openUpstreams(settings, providers)
  const request = new IncomingMessage(new Socket())
  request.method = 'POST'
  const call = callMaker(settings)(
    {
      id: 'id',
      request,
      response: new ServerResponse(request),
      upstream: upstreams.get(upstreamName)!,
      path,
      headers: [],
      clock: systemClock,
      draining: () => false,
      mask: (text) => text,
      greeting: null,
      ended: () => {},
    },
    project,
  )
  await upstreams.close()
  return Object.getPrototypeOf(call)
}

it('carries calls that are not asked as ever: no code runs for them that did not without asking', async () => {
  const off = testSettings({ dataDir: '/nowhere' })
  expect(await kindOf(off, 'shop')).toBe(Call.prototype)
  const one = testSettings({ dataDir: '/nowhere', projects: { shop: { includeUsage: true } } })
  expect(await kindOf(one, 'other')).toBe(Call.prototype)
  expect(await kindOf(one, 'shop')).toBe(AskingCall.prototype)
  expect(await kindOf(one, 'shop', 'groq')).toBe(Call.prototype)
})

it('asks everybody where the settings say so for all', async () => {
  const settings = testSettings({ dataDir: '/nowhere' })
  const all = { ...settings, upstreamDefaults: { ...settings.upstreamDefaults, includeUsage: true } }
  expect(await kindOf(all, 'shop')).toBe(AskingCall.prototype)
  expect(await kindOf({ ...all, projects: { shop: { includeUsage: false } } }, 'shop')).toBe(Call.prototype)
})

it('asks where the path names a deployment, too', async () => {
  const azure = { provider: 'azure', url: 'http://127.0.0.1:1', includeUsage: true }
  const settings = testSettings({ dataDir: '/nowhere', upstreams: { azure } })
  const at = (path: string) => kindOf(settings, 'shop', 'azure', path)
  expect(await at('/openai/deployments/ours/chat/completions?api-version=2024-10-21')).toBe(AskingCall.prototype)
  expect(await at('/openai/v1/chat/completions')).toBe(AskingCall.prototype)
  expect(await at('/openai/deployments/ours/embeddings?api-version=2024-10-21')).toBe(Call.prototype)
})

it('holds at most 64 MiB of long requests: others go on as they came, and room that was held is free again', async () => {
  const count = 20
  const padding = 'x'.repeat(3_900_000)
  const body = JSON.stringify({ stream: true, padding })
  let going = false
  await using upstream = await scriptedUpstream(async () => {
    await eventually('all requests', () => going, 15_000)
    return answer({
      headers: [['content-type', 'text/event-stream']],
      framing: 'chunked',
      pieces: [[0, 'data: [DONE]\n\n']],
    })
  })
  await using proxy = await pipe({
    upstreams: { openai: { provider: 'openai', url: upstream.url, includeUsage: true } },
  })
  const ask = requestBytes('POST', '/v1/chat/completions', [], body)

  // these never finish their requests, and take room until they leave
  const leaving = await Promise.all(Array.from({ length: 5 }, () => rawConnect(proxy.port)))
  for (const client of leaving) await client.send(ask.subarray(0, 1000))
  await eventually('five calls', () => proxy.active() === 5)
  for (const client of leaving) client.leave()
  await eventually('no call', () => proxy.active() === 0)

  const calls = Array.from({ length: count }, () => rawExchange(proxy.port, ask, { deadlineMs: 20_000 }))
  await eventually('all requests', () => upstream.requests.filter(({ complete }) => complete).length === count, 15_000)
  going = true
  for (const all of await Promise.all(calls)) expect(all.bodyText).toBe('data: [DONE]\n\n')
  const asked = upstream.requests.filter((request) => request.body.length > body.length)
  expect(asked).toHaveLength(Math.floor((64 * 1024 * 1024) / (body.length - 256 * 1024)))
  const notes = proxy.journal.entries.filter(({ close }) => close?.notes?.join().includes('too many long requests'))
  expect(notes).toHaveLength(count - asked.length)

  await rawExchange(proxy.port, ask, { deadlineMs: 20_000 })
  expect(upstream.requests.at(-1)!.body.length).toBeGreaterThan(body.length)
  expect(upstream.failures).toEqual([])
}, 60_000)
