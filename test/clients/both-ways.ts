import { expect } from 'vitest'
import { type ScriptedProvider, scriptedProvider } from '../../src/demo/scripted-provider.ts'
import type { RunDetail } from '../../src/stores/store.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'

/** The scripted provider, the product in front of it, and the same call made both ways. */
export async function bothWays(): Promise<BothWays> {
  const provider = await scriptedProvider({ pace: { firstTokenMs: 20, tokensPerSecond: 500 } })
  const proxy = await startProxy({
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

/** The same call made at `direct` and at `proxied`, an address of the proxy. */
export function twoWays(proxy: TestProxy, direct: string, proxied: string): TwoWays {
  const known = new Set<string>()
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

export interface BothWays extends TwoWays {
  provider: ScriptedProvider
  proxy: TestProxy
  stop(): Promise<void>
}

export interface TwoWays {
  /** Makes the call at the provider and through the proxy, wants equal values, and returns the value and the records left. */
  same<T>(call: (baseUrl: string) => Promise<T>): Promise<{ value: T; records: RunDetail[] }>
  /** Records made since this was asked last. */
  left(): Promise<RunDetail[]>
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
