import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modelOperations } from '../../src/records/outcome.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { played } from '../support/played.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { loadSamples } from '../support/samples.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'

/** Every recorded exchange is played by an upstream, byte for byte, and must reach the client unchanged and leave a right record. */
const samples = loadSamples()
const upstreams = [...new Set(samples.map(({ provider }) => provider))]

let upstream: ScriptedUpstream
let proxy: TestProxy
let script: Step[] = []

beforeAll(async () => {
  upstream = await scriptedUpstream(() => script)
  proxy = await startProxy({ upstreams: Object.fromEntries(upstreams.map((id) => [id, upstream.port])) })
})

afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
})

describe(`${samples.length} samples`, () => {
  it.each(samples)('$name', async (sample) => {
    script = played(sample)
    const headers = sample.request.headers.filter(
      ([name]) => !/^(host|content-length|transfer-encoding|connection|expect)$/i.test(name),
    )
    const request = (prefix: string): Buffer =>
      requestBytes(
        sample.request.method,
        prefix + sample.request.path,
        headers,
        sample.request.body.length ? sample.request.body : undefined,
      )

    const direct = await rawExchange(upstream.port, request(''))
    const through = await rawExchange(proxy.port, request(`/${sample.provider}`))

    expect(through.headWithout('x-sightglass-id', 'connection', 'keep-alive', 'transfer-encoding')).toBe(
      direct.headWithout('connection', 'keep-alive', 'transfer-encoding'),
    )
    expect(through.body.equals(direct.body)).toBe(true)
    expect(through.ended === 'clean').toBe(direct.ended === 'clean')

    const { telemetry, run } = await proxy.record(through.header('x-sightglass-id'))
    expect(telemetry.metadata.status_code).toBe(sample.response.status)
    expect(telemetry.metadata.response_size).toBe(direct.body.length)
    const raw = await proxy.store.body(null, telemetry._id, 'response')
    if (direct.body.length > 0) expect(Buffer.from(raw!.bytes).equals(direct.body)).toBe(true)
    const { expect: wanted } = sample
    if (!wanted) return
    expect(telemetry.metadata.operation).toBe(wanted.operation)
    if (wanted.outcome !== undefined) expect(telemetry.metadata.outcome).toBe(wanted.outcome)
    if (wanted.text !== undefined)
      expect(run.choices.length === 0 ? '' : textOf(run.choices[0])).toBe(wanted.text.toWellFormed())
    if (wanted.finishReason !== undefined) expect(telemetry.metadata.finish_reason).toBe(wanted.finishReason)
    const estimatedInstead = wanted.tokenSource !== 'estimated' && telemetry.metadata.token_source === 'estimated'
    if (wanted.usage && !estimatedInstead) {
      expect(telemetry.metadata.prompt_tokens).toBe(wanted.usage.input ?? null)
      expect(telemetry.metadata.completion_tokens).toBe(
        wanted.usage.output ?? (wanted.operation === 'embeddings' ? telemetry.metadata.completion_tokens : null),
      )
      for (const [kind, count] of Object.entries(storedNames({ ...unknownUsage, ...wanted.usage })))
        if (count !== null) expect([kind, telemetry.metadata.usage?.[kind as 'input']]).toEqual([kind, count])
    }
    if (wanted.tokenSource !== undefined && !estimatedInstead)
      expect(telemetry.metadata.token_source).toBe(wanted.tokenSource)
    // an estimate fills only what nobody reported
    if (estimatedInstead && wanted.usage?.input != null && wanted.usage.output != null)
      expect(telemetry.metadata.outcome).not.toBe('ok')
    if (modelOperations.has(wanted.operation)) expect(telemetry.metadata.parse_note).toBe(wanted.parseNote ?? null)
    if (wanted.ttftPiece === null) expect(telemetry.metadata.ttft_ms).toBeNull()
    if (typeof wanted.ttftPiece === 'number') expect(telemetry.metadata.ttft_ms).toBeGreaterThan(0)
  })
})

const textOf = (choice: unknown): string => (choice as { text: string }).text
