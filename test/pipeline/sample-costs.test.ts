import { afterAll, describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { loadPrices, priceBook } from '../../src/meter/prices.ts'
import { startTokenCounter } from '../../src/meter/tokens.ts'
import { recordMaker } from '../../src/pipeline/records.ts'
import { loadSample } from '../support/samples.ts'
import { exchangeOfSample } from './sample-exchange.ts'

const tokens = startTokenCounter()
afterAll(() => tokens.close())

const parts = {
  instance: '01900000-0000-7000-8000-000000000001',
  providers: await loadProviders(),
  tokens,
  pepper: 'pepper',
  bodyLimitBytes: 64 << 10,
  projectNames: new Map<string, string>(),
}

const billed = async (name: string, prices = loadPrices()) => {
  const { telemetry } = await recordMaker({ ...parts, prices })(exchangeOfSample(loadSample(name)))
  return telemetry.metadata
}

/** The sums were worked out by hand from the counts of the bytes and the prices of the list. */
describe('what a call costs by its bytes', () => {
  it.each<[sample: string, usd: string, how: string]>([
    ['openai/responses', '0.00231312', '768 x 1.25 + 1024 x 0.13 + 256 x 1.25 + 120 x 7.5 (/1M, flex)'],
    ['openai/responses-web-search-stream', '0.053', '9000 x 2.5 + 700 x 15 (/1M) + 2 x 0.01'],
    ['openai/responses-background-poll-done', '0.0001025', '11 x 2.5 + 5 x 15 (/1M)'],
    ['openai/chat-flex', '0.026', '12000 x 1 + 3500 x 4 (/1M)'],
    ['openai/chat-custom-tool', '0.000912', '24 x 5 + 64 x 0.5 + 32 x 5 + 20 x 30 (/1M, priority)'],
    ['openai/chat-audio-stream', '0.102125', '250 x 2.5 + 1000 x 40 + 150 x 10 + 750 x 80 (/1M)'],
    ['openai/images-generations', '0.010945', '13 x 5 + 272 x 40 (/1M)'],
    ['openai/images-edits', '0.066775', '37 x 5 + 323 x 10 + 1584 x 40 (/1M)'],
    ['openai/images-generations-per-piece', '0.24', '2 x 0.12'],
    ['openai/images-generations-defaults', '0.04', '1 x 0.04'],
    ['openai/images-variations', '0.036', '2 x 0.018'],
    ['openai/speech', '0.00054', '18 x 0.00003'],
    ['openai/speech-stream', '0.0012204', '14 x 0.6 + 101 x 12 (/1M)'],
    ['openai/transcription', '0.000392', '12 x 2.5 + 47 x 6 + 8 x 10 (/1M)'],
    ['openai/transcription-seconds', '0.0003', '3 x 0.0001'],
    ['openai/transcription-verbose', '0.0009', '9 x 0.0001'],
    ['openai/translation-verbose', '0.0004', '4 x 0.0001'],
    ['openai/moderation', '0', 'nothing'],
    ['azure/chat', '0.0000775', '11 x 2.5 + 5 x 10 (/1M)'],
  ])('%s: %s dollars', async (name, usd) => {
    const { cost_picodollars, cost_usd, cost_estimated, unpriced_reason } = await billed(name)
    expect([cost_usd, unpriced_reason, cost_estimated]).toEqual([Number(usd), null, false])
    expect(cost_picodollars).toBe((BigInt(Math.round(Number(usd) * 1e9)) * 1000n).toString())
  })

  it.each([
    ['openai/transcription-text', 'no tokens counted'],
    ['openai/translation', 'no tokens counted'],
    ['openai/responses-background', 'no tokens counted'],
    ['openai/images-generations-cut-stream', 'no tokens counted'],
    ['azure/images-dall-e', 'no price for azure/Dalle3'],
    ['azure/transcription', 'no price for azure/whisper'],
  ])('%s: unknown, for there is %s', async (name, reason) => {
    expect(await billed(name)).toMatchObject({ cost_usd: null, cost_picodollars: null, unpriced_reason: reason })
  })

  it('of a model that is billed in tokens nobody counted, by the piece: an estimate, or unknown', async () => {
    const image = loadSample('openai/images-generations')
    const speech = loadSample('openai/speech')
    const without = (text: string, part: RegExp): string => text.replace(part, '')
    const answer = Buffer.from(without(image.response.pieces[0]![1].toString(), /,"usage":.*(?=\}$)/))
    const make = recordMaker({ ...parts, prices: loadPrices() })
    const pictured = await make(
      exchangeOfSample({ ...image, response: { ...image.response, pieces: [[1, answer]], headers: [] } }),
    )
    expect(pictured.telemetry.metadata).toMatchObject({ cost_usd: 0.011, cost_estimated: true, token_source: 'none' })
    const asked = Buffer.from(speech.request.body.toString().replace('tts-1-hd', 'gpt-4o-mini-tts'))
    const spoken = await make(exchangeOfSample({ ...speech, request: { ...speech.request, body: asked } }))
    expect(spoken.telemetry.metadata).toMatchObject({
      cost_usd: null,
      unpriced_reason: 'no tokens counted for openai/gpt-4o-mini-tts',
      usage: { characters: 18 },
    })
  })

  it('of a deployment is known once its model is said', async () => {
    const own = JSON.stringify({
      schema: '1',
      as_of: '2026-11-01',
      names: [
        { provider: 'azure', name: 'dalle3', model: 'dall-e-3' },
        { provider: 'azure', name: 'whisper', model: 'whisper-1' },
      ],
    })
    const book = priceBook([
      { name: 'azure', text: JSON.stringify(azurePrices) },
      { name: 'own', text: own },
    ])
    expect((await billed('azure/images-dall-e', book)).cost_usd).toBe(0.08)
    expect((await billed('azure/transcription', book)).cost_usd).toBe(0.0003)
  })
})

const azurePrices = {
  schema: '1',
  as_of: '2026-10-27',
  providers: [{ id: 'azure' }],
  models: [
    { provider: 'azure', model: 'dall-e-3', mode: 'image', per_image_sizes: { 'standard/1792x1024': 0.08 } },
    { provider: 'azure', model: 'whisper-1', mode: 'audio_transcription', per_second: 0.0001 },
  ],
}
