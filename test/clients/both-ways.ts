import { expect } from 'vitest'
import { type ScriptedProvider, scriptedProvider } from '../../src/demo/scripted-provider.ts'
import type { RunDetail } from '../../src/stores/store.ts'
import { played } from '../support/played.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { loadSample, type Sample } from '../support/samples.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import type { SettingsOverrides } from '../support/settings.ts'

/** The scripted provider, the product in front of it, and the same call made both ways. */
export async function bothWays(settings: SettingsOverrides = {}): Promise<BothWays> {
  const provider = await scriptedProvider({ pace: { firstTokenMs: 20, tokensPerSecond: 500 } })
  const proxy = await startProxy({
    ...settings,
    upstreams: { openai: provider.port, anthropic: provider.port, ollama: provider.port },
  })
  return {
    provider,
    proxy,
    ...twoWays(proxy, provider.url, proxy.url),
    async stop() {
      await proxy.stop()
      await provider.stop()
      expect(provider.failures).toEqual([])
    },
  }
}

/** The same with an upstream that plays samples of these providers, each below its path at the proxy: usually `/id`. */
export async function samplesBothWays(
  ids: readonly string[],
  pathOf = (id: string): string => `/${id}`,
): Promise<SamplesBothWays> {
  let sample: Sample | null = null
  const upstream = await scriptedUpstream(() => {
    if (sample === null) throw new Error('which sample shall be played?')
    return played(sample)
  })
  const proxy = await startProxy({ upstreams: Object.fromEntries(ids.map((id) => [id, upstream.port])) })
  const known = new Set<string>()
  const ways = new Map(ids.map((id) => [id, twoWays(proxy, upstream.url, `${proxy.url}${pathOf(id)}`, known)]))
  return {
    async same(name, call) {
      sample = loadSample(name)
      const before = upstream.requests.length
      const seen = await ways.get(sample.provider)!.same(call)
      const [directly, proxied] = upstream.requests.slice(before)
      expect(proxied?.target).toBe(directly?.target)
      expect(proxied?.bodyText).toBe(directly?.bodyText)
      return { ...seen, sample, record: only(seen.records) }
    },
    async stop() {
      await proxy.stop()
      await upstream.stop()
      expect(upstream.failures).toEqual([])
    },
  }
}

/** The same call made at `direct` and at `proxied`, an address of the proxy. Records in `known` are left out, and grow. */
function twoWays(proxy: TestProxy, direct: string, proxied: string, known = new Set<string>()): TwoWays {
  const left = async () => {
    const fresh = (await proxy.records()).filter((record) => !known.has(record.telemetry._id))
    for (const record of fresh) known.add(record.telemetry._id)
    return fresh
  }
  return {
    left,
    async same(call) {
      const directly = plain(await call(direct))
      await left()
      const through = plain(await call(proxied))
      expect(through).toEqual(directly)
      return { value: through as never, records: await left() }
    },
  }
}

type Same<Value> = { value: Value; records: RunDetail[] }

export interface BothWays extends TwoWays {
  provider: ScriptedProvider
  proxy: TestProxy
  stop(): Promise<void>
}

export interface TwoWays {
  /** Makes the call at the provider and through the proxy, wants equal values, and returns the value and the records left. */
  same<T>(call: (baseUrl: string) => Promise<T>): Promise<Same<T>>
  /** Records made since this was asked last. */
  left(): Promise<RunDetail[]>
}

export interface SamplesBothWays {
  /**
   * The same while the upstream plays the sample of that name (`groq/chat-tools`); the client must ask for the same both ways,
   * and its one call through the proxy leaves one record.
   */
  same<T>(name: string, call: (baseUrl: string) => Promise<T>): Promise<Same<T> & { sample: Sample; record: RunDetail }>
  stop(): Promise<void>
}

/** What an SDK's object holds, without classes. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

/** Response headers without what belongs to one answer or one connection, and without the one the proxy adds. */
export const headersOf = (headers: Headers): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => !mayDiffer.has(name)))

const mayDiffer = new Set(['date', 'connection', 'keep-alive', 'x-sightglass-id'])

/** What an SDK's error says, without its stack. */
export async function failureOf(call: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const { headers, ...fields } = error as Error & { headers?: unknown }
    return {
      ...fields,
      class: error.constructor.name,
      message: error.message,
      headers: headers instanceof Headers ? headersOf(headers) : null,
    }
  }
  throw new Error('the call did not fail')
}

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const part of stream) all.push(part)
  return all
}

/** The one record that a call left. */
export function only(records: readonly RunDetail[]): RunDetail {
  expect(records).toHaveLength(1)
  return records[0]!
}

/** What every finished stream's times must satisfy. */
export function expectStreamTimes({ telemetry: { metadata: times } }: RunDetail): void {
  expect(times.stream).toBe(true)
  expect(times.ttft_ms).toBeGreaterThanOrEqual(15)
  expect(times.ttfb_ms).toBeLessThanOrEqual(times.ttft_ms!)
  expect(times.last_content_ms).toBeGreaterThan(times.ttft_ms!)
  expect(times.latency_ms).toBeGreaterThanOrEqual(times.last_content_ms!)
}
