import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSamples, type Sample } from '../support/samples.ts'
import { collect, failureOf, only, type SamplesBothWays, samplesBothWays } from './both-ways.ts'

/** Vendors whose API the openai package is used with, by a base URL alone. */
const vendors = [
  'cerebras',
  'deepinfra',
  'deepseek',
  'fireworks',
  'groq',
  'lmstudio',
  'openrouter',
  'perplexity',
  'sambanova',
  'sglang',
  'together',
  'vllm',
  'xai',
]
const path = /\/chat\/completions$/
const chats = vendors
  .flatMap((vendor) => loadSamples(vendor))
  .filter(({ request, response }) => path.test(request.path) && request.method === 'POST' && !response.cut)
const isGood = ({ expect: wanted }: Sample) => ['ok', 'truncated', 'filtered'].includes(wanted!.outcome!)
const isError = ({ expect: wanted }: Sample) => wanted!.outcome === 'upstream_error_http'

describe('the openai package gets from every compatible vendor what it gets without the proxy', () => {
  let ways: SamplesBothWays
  beforeAll(async () => {
    ways = await samplesBothWays(vendors)
  })
  afterAll(() => ways.stop())

  const ask = (sample: Sample) => (url: string) => {
    const base = `${url}${sample.request.path.replace(path, '')}`
    const client = new OpenAI({ apiKey: 'sk-test-compatible-vendor', baseURL: base, maxRetries: 0 })
    return client.chat.completions.create(JSON.parse(sample.request.body.toString()))
  }

  it.each(chats.filter(isGood))('$name', async (sample) => {
    const { value, records } = await ways.same(sample.name, async (url) => {
      const got = (await ask(sample)(url)) as object
      return Symbol.asyncIterator in got ? collect(got as AsyncIterable<unknown>) : got
    })
    expect(value).toBeTruthy()
    const { telemetry, run } = only(records)
    expect(telemetry.metadata).toMatchObject({ provider: sample.provider, outcome: sample.expect!.outcome })
    if (sample.expect!.text) expect(run.completion).toBe(sample.expect!.text)
  })

  it.each(chats.filter(isError))('$name: the same class, status and message', async (sample) => {
    const { value, records } = await ways.same(sample.name, (url) => failureOf(ask(sample)(url)))
    expect(value).toMatchObject({ status: sample.response.status })
    expect(only(records).telemetry.metadata.error_message).toBe(sample.expect!.error)
  })
})
