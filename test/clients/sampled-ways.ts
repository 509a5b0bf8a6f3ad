import { expect } from 'vitest'
import type { RunDetail } from '../../src/stores/store.ts'
import { played } from '../support/played.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { loadSample, type Sample } from '../support/samples.ts'
import { type ReceivedRequest, scriptedUpstream } from '../support/scripted-upstream.ts'

/** Providers that answer with samples, byte for byte, the product in front of them, and the same calls made both ways. */
export async function sampledWays(providers: readonly string[]): Promise<SampledWays> {
  let answers: Sample[] = []
  const upstream = await scriptedUpstream(({ target }) => {
    const sample = answers.shift()
    if (!sample) throw new Error(`${target}: no answer is left`)
    return played(sample)
  })
  const proxy = await startProxy({ upstreams: Object.fromEntries(providers.map((id) => [id, upstream.port])) })
  const known = new Set<string>()
  const fresh = async (): Promise<RunDetail[]> => {
    const records = (await proxy.records()).filter(({ telemetry }) => !known.has(telemetry._id))
    for (const { telemetry } of records) known.add(telemetry._id)
    return records
  }
  return {
    proxy,
    async same(samples, call) {
      const once = async (url: string) => {
        answers = samples.map(loadSample)
        const before = upstream.requests.length
        const value = plain(await call(url), url)
        expect(answers).toEqual([])
        return { value, requests: upstream.requests.slice(before).map(whatWasAsked) }
      }
      const directly = await once(upstream.url)
      const proxied = await once(proxy.url)
      expect(proxied).toEqual(directly)
      return { value: proxied.value as never, records: await fresh() }
    },
    async stop() {
      await proxy.stop()
      await upstream.stop()
      expect(upstream.failures).toEqual([])
    },
  }
}

export interface SampledWays {
  proxy: TestProxy
  /**
   * Makes the calls at the provider and through the proxy, answered by these samples in turn; wants equal values, and equal
   * requests at the provider. Gives the value and the records left.
   */
  same<T>(
    samples: readonly string[],
    call: (baseUrl: string) => Promise<T>,
  ): Promise<{ value: T; records: RunDetail[] }>
  stop(): Promise<void>
}

const whatWasAsked = ({ method, target, bodyText }: ReceivedRequest) => ({ method, target, body: named(bodyText) })

/**
 * What an SDK's object holds, without classes, and without what it makes up itself for each run, measures itself, or has from
 * the connection.
 */
function plain(value: unknown, url: string): unknown {
  const text = JSON.stringify(value ?? null, (name, part: unknown) => {
    if (ownOfARun.has(name)) return undefined
    return name === 'timestamp' && isNow(part) ? 'now' : part
  })
  return JSON.parse(named(text).replaceAll(url, 'BASE'))
}

const ownOfARun: ReadonlySet<string> = new Set(['performance', 'stack', 'connection', 'keep-alive', 'x-sightglass-id'])

const isNow = (time: unknown): boolean => typeof time === 'string' && Math.abs(Date.now() - Date.parse(time)) < 60_000

const madeUp =
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b(?:call|aitxt|aiobj|msg)-[0-9A-Za-z]{16,24}\b/g
const named = (text: string): string => text.replace(madeUp, 'made up')
