import { expect, inject } from 'vitest'
import type { RunDetail } from '../../src/stores/store.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { alike } from './alike.ts'

/** The proxy in front of the real servers, and the same call made both ways. */
export async function realWays(): Promise<RealWays> {
  const ports = inject('realServers')!
  const proxy = await startProxy({
    upstreams: {
      ollama: ports.ollama,
      llamacpp: ports.llama,
      'llama-embed': { provider: 'llamacpp', url: `http://127.0.0.1:${ports.embeddings}` },
    },
  })
  const known = new Set<string>()
  const left = async () => {
    const fresh = (await proxy.records()).filter((record) => !known.has(record.telemetry._id))
    for (const record of fresh) known.add(record.telemetry._id)
    return fresh
  }
  return {
    proxy,
    left,
    async same(direct, proxied, call) {
      // the first call fills the server's prompt cache, which the second one reports
      await call(direct)
      const expected = await call(direct)
      await left()
      const value = await call(proxied)
      expect(alike(value)).toEqual(alike(expected))
      return { value, records: await left() }
    },
    stop: () => proxy.stop(),
  }
}

export interface RealWays {
  proxy: TestProxy
  /** Makes the call at both addresses, wants equal values, and returns the proxied one and the records it left. */
  same<T>(
    direct: string,
    proxied: string,
    call: (url: string) => Promise<T>,
  ): Promise<{ value: T; records: RunDetail[] }>
  left(): Promise<RunDetail[]>
  stop(): Promise<void>
}

/** The first token was timed when the piece came that brought it, and before the next one. `content` finds its last byte. */
export async function expectFirstTokenTimed(ways: RealWays, record: RunDetail, content: RegExp): Promise<void> {
  const { ttft_ms: firstMs, ttfb_ms: byteMs, last_content_ms: lastMs } = record.telemetry.metadata
  const body = await ways.proxy.store.body(null, record.telemetry._id, 'response')
  const text = Buffer.from(body!.bytes).toString('latin1')
  const found = content.exec(text)
  const offset = found!.index + found![0].length
  const pieces = record.chunkTimes!
  const place = pieces.findIndex(([, end]) => end >= offset)
  expect(pieces.length).toBeGreaterThan(place + 1)
  expect(firstMs).toBeCloseTo(pieces[place]![0], 1)
  expect(firstMs).toBeLessThan(pieces[place + 1]![0])
  expect(firstMs).toBeGreaterThanOrEqual(byteMs!)
  expect(lastMs).toBeGreaterThan(firstMs!)
}
