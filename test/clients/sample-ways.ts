import { played } from '../support/played.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import type { Sample } from '../support/samples.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'
import { only, type TwoWays, twoWays } from './both-ways.ts'

/** A server that answers whatever it is asked with a sample, the product in front of it, and the same call made both ways. */
export async function sampleWays(provider: string, prefix = ''): Promise<SampleWays> {
  let script: Step[] = []
  const upstream = await scriptedUpstream(() => script)
  const proxy = await startProxy({ upstreams: { [provider]: upstream.port } })
  const ways = twoWays(proxy, upstream.url, `${proxy.url}${prefix}`)
  return {
    upstream,
    proxy,
    async same(sample, call) {
      script = played(sample)
      const { value, records } = await ways.same(call)
      return { value, record: only(records) }
    },
    async stop() {
      await proxy.stop()
      await upstream.stop()
    },
  }
}

export interface SampleWays {
  upstream: ScriptedUpstream
  proxy: TestProxy
  /** Makes the call at the server and through the proxy, wants equal values, and returns the value and the record it left. */
  same<T>(
    sample: Sample,
    call: (baseUrl: string) => Promise<T>,
  ): Promise<{ value: T; record: Awaited<ReturnType<TwoWays['same']>>['records'][number] }>
  stop(): Promise<void>
}
