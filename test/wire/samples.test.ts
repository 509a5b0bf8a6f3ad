import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scaled } from '../../src/meter/decimal.ts'
import { modelOperations } from '../../src/records/outcome.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import type { RunDetail } from '../../src/stores/store.ts'
import { played } from '../support/played.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { loadSamples, type Sample } from '../support/samples.ts'
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
    // G18: an error of the upstream is never a success
    if (sample.response.status >= 400) expect(telemetry.metadata.success).toBe(false)
    const raw = await proxy.store.body(null, telemetry._id, 'response')
    if (direct.body.length > 0) expect(Buffer.from(raw!.bytes).equals(direct.body)).toBe(true)
    expectRecord(sample, { telemetry, run })
  })
})

/** What the sample says a record of it must say. An estimate fills only what nobody reported. */
function expectRecord({ name, expect: wanted }: Sample, record: Pick<RunDetail, 'telemetry' | 'run'>): void {
  if (!wanted) throw new Error(`${name}: says nothing of its record`)
  const { metadata } = record.telemetry
  const { run } = record
  const estimated = wanted.tokenSource !== 'estimated' && metadata.token_source === 'estimated'
  expect(metadata).toMatchObject({ operation: wanted.operation, outcome: wanted.outcome })
  // G14: whoever the provider is
  expect(metadata.ttfb_ms).toBeGreaterThan(0)
  expect(metadata.upstream_ms).toBeGreaterThan(0)
  if (wanted.cost !== undefined) expect(metadata.cost_picodollars).toBe(scaled(wanted.cost, 12).toString())
  if (wanted.progress) expect(run.metadata).toEqual(storedNames(wanted.progress))
  if (wanted.error) expect(metadata.error_message).toContain(wanted.error)
  if (!modelOperations.has(wanted.operation))
    return expect([metadata.usage, metadata.token_source]).toEqual([null, 'none'])

  expect(metadata.parse_note).toBe(wanted.parseNote ?? null)
  const [first] = run.choices as { text: string; parts: string[] }[]
  expect(first?.text ?? '').toBe((wanted.text ?? '').toWellFormed())
  expect(run.reasoning ?? '').toBe(wanted.reasoning ?? '')
  expect(run.refusal ?? '').toBe(wanted.refusal ?? '')
  expect(run.tool_calls).toMatchObject(wanted.toolCalls ?? [])
  expect(run.tool_calls).toHaveLength(wanted.toolCalls?.length ?? 0)
  expect(first?.parts ?? []).toEqual(wanted.parts ?? [])
  if (wanted.choices) expect(run.choices).toMatchObject(storedNames(wanted.choices))
  expect(metadata.model_served).toBe(wanted.model ?? null)
  expect(metadata.finish_reason).toBe(wanted.finishReason ?? null)
  if (typeof wanted.ttftPiece === 'number') expect(metadata.ttft_ms).toBeGreaterThan(0)
  else expect(metadata.ttft_ms).toBeNull()

  if (!estimated) {
    expect(metadata.token_source).toBe(wanted.tokenSource ?? 'none')
    expect(metadata.usage).toEqual(wanted.usage ? storedNames({ ...unknownUsage, ...wanted.usage }) : null)
  } else if (wanted.usage?.input != null && (wanted.usage.output != null || wanted.operation === 'embeddings'))
    expect(metadata.outcome).not.toBe('ok')
}
