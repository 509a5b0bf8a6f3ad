import OpenAI, { AzureOpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunDetail } from '../../src/stores/store.ts'
import { answer } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { loadSample } from '../support/samples.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'
import { collect, only } from './both-ways.ts'

/** Forms, sound, images and deployments as the openai package really sends them, with the answers of the samples. */
let upstream: ScriptedUpstream
let proxy: TestProxy
let script: Step[] = []
const known = new Set<string>()

beforeAll(async () => {
  upstream = await scriptedUpstream(() => script)
  proxy = await startProxy({ upstreams: { openai: upstream.port, azure: upstream.port } })
})

afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
})

/** The call at the upstream and through the proxy: the same value, and the record it left. */
async function same<T>(sample: string, call: (url: string) => Promise<T>): Promise<{ value: T; record: RunDetail }> {
  const { response } = loadSample(sample)
  script = answer({ ...response, pieces: response.pieces.map(([, bytes]) => [0, bytes]) })
  const directly = JSON.stringify(await call(`http://127.0.0.1:${upstream.port}`))
  const value = await call(sample.startsWith('azure') ? `${proxy.url}/azure` : proxy.url)
  expect(JSON.stringify(value)).toBe(directly)
  const fresh = (await proxy.records()).filter(({ telemetry }) => !known.has(telemetry._id))
  for (const { telemetry } of fresh) known.add(telemetry._id)
  return { value, record: only(fresh) }
}

const client = (url: string): OpenAI => new OpenAI({ apiKey: 'sk-test-openai', baseURL: `${url}/v1`, maxRetries: 0 })
const sound = (): File => new File([new Uint8Array(300_000).fill(7)], 'speech.wav', { type: 'audio/wav' })
const picture = (bytes: number): File => new File([new Uint8Array(bytes)], 'a.png', { type: 'image/png' })

describe('the openai package, of whose call a record says', () => {
  it('the fields of a form beside a file', async () => {
    const { value, record } = await same('openai/transcription', (url) =>
      client(url).audio.transcriptions.create({
        file: sound(),
        model: 'gpt-4o-transcribe',
        language: 'en',
        temperature: 0.25,
        prompt: 'About seas.',
      }),
    )
    expect(value.text).toBe('I see skies of blue.')
    expect(record.telemetry.metadata).toMatchObject({
      operation: 'transcription',
      llm_model: 'gpt-4o-transcribe',
      cost_usd: 0.000392,
      usage: { audio_input: 47 },
    })
    expect(record.run).toMatchObject({
      prompt: 'About seas.\n[audio 300 kB]',
      completion: 'I see skies of blue.',
      temperature: 0.25,
      parameters: { language: 'en' },
    })
  })

  it('a transcript in events', async () => {
    const { value, record } = await same('openai/transcription-stream', async (url) =>
      collect(
        await client(url).audio.transcriptions.create({ file: sound(), model: 'gpt-4o-mini-transcribe', stream: true }),
      ),
    )
    expect(value).toHaveLength(3)
    expect(record.telemetry.metadata).toMatchObject({ stream: true, model_requested: 'gpt-4o-mini-transcribe' })
    expect(record.telemetry.metadata.ttft_ms).not.toBeNull()
  })

  it('which images were edited, and what came of it', async () => {
    const { record } = await same('openai/images-edits', (url) =>
      client(url).images.edit({
        image: [picture(2_000), picture(3_000)],
        prompt: 'Add a boat',
        model: 'gpt-image-1',
        size: '1536x1024',
        n: 1,
      }),
    )
    expect(record.run).toMatchObject({
      prompt: 'Add a boat\n[image 2 kB]\n[image 3 kB]',
      completion: '[image 520 B]',
      parameters: { size: '1536x1024', n: 1 },
    })
    expect(record.telemetry.metadata).toMatchObject({ operation: 'images', cost_usd: 0.066775, usage: { images: 1 } })
  })

  it('images that arrive in parts', async () => {
    const { record } = await same('openai/images-generations-stream', async (url) =>
      collect(
        await client(url).images.generate({
          model: 'gpt-image-1',
          prompt: 'A sea',
          stream: true,
          partial_images: 2,
        }),
      ),
    )
    expect(record.run).toMatchObject({ completion: '[image 520 B]', events: { events: 3, content_events: 3 } })
    expect(JSON.stringify([record.run.choices, record.run.messages])).not.toContain('iVBORw0KGgo')
  })

  it('how much was spoken', async () => {
    const { record } = await same('openai/speech', async (url) => {
      const { body } = await client(url).audio.speech.create({
        model: 'tts-1-hd',
        voice: 'alloy',
        input: 'The sea 🌊 is blue.',
      })
      return (await collect(body as unknown as AsyncIterable<Uint8Array>)).reduce((sum, { length }) => sum + length, 0)
    })
    expect(record.telemetry.metadata).toMatchObject({
      operation: 'speech',
      cost_usd: 0.00054,
      usage: { characters: 18 },
    })
    expect(record.run).toMatchObject({ completion: '[audio 912 B]', parameters: { voice: 'alloy' } })
  })

  it('what was flagged, which costs nothing', async () => {
    const { record } = await same('openai/moderation', (url) =>
      client(url).moderations.create({ model: 'omni-moderation-latest', input: ['Be nice.', 'I will hit you.'] }),
    )
    expect(record.telemetry.metadata).toMatchObject({ operation: 'moderation', cost_usd: 0, unpriced_reason: null })
    expect(record.run.choices).toMatchObject([
      { parts: ['[not flagged]'] },
      { parts: ['[flagged: harassment, violence]'] },
    ])
  })

  it('the deployment that was asked for, the model that answered, and the version of the API', async () => {
    const { value, record } = await same('azure/chat-stream', async (url) => {
      const azure = new AzureOpenAI({
        apiKey: 'azure-test-key-0123',
        endpoint: url,
        apiVersion: '2024-10-21',
        maxRetries: 0,
      })
      return collect(
        await azure.chat.completions.create({
          model: 'my-gpt',
          messages: [{ role: 'user', content: 'Name a sea.' }],
          stream: true,
        }),
      )
    })
    expect(value.length).toBeGreaterThan(3)
    expect(record.telemetry.metadata).toMatchObject({
      provider: 'azure',
      endpoint: '/openai/deployments/my-gpt/chat/completions',
      model_requested: 'my-gpt',
      model_served: 'gpt-4o-2024-11-20',
      cost_usd: 0.0000775,
    })
    expect(record.telemetry.metadata.key_id).toMatch(/^[0-9a-f]{32}$/)
    expect(record.run.parameters).toMatchObject({ api_version: '2024-10-21' })
  })
})
