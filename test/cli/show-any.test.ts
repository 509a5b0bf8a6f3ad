import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { runText } from '../../src/cli/run-text.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import { startTokenCounter } from '../../src/meter/tokens.ts'
import { recordMaker } from '../../src/pipeline/records.ts'
import { estimatedOperations } from '../../src/records/outcome.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { RunDetail } from '../../src/stores/store.ts'
import { exchangeOfSample } from '../pipeline/sample-exchange.ts'
import { aRecord } from '../support/records.ts'
import { loadSample, loadSamples, type Sample } from '../support/samples.ts'

const tokens = startTokenCounter()
afterAll(() => tokens.close())
const record = recordMaker({
  ...{ instance: '01900000-0000-7000-8000-000000000001', providers: await loadProviders(), prices: loadPrices() },
  ...{ tokens, pepper: 'pepper', bodyLimitBytes: 64 << 10, projectNames: new Map<string, string>() },
})
const shown = (detail: RunDetail) => runText(detail, 'UTC', 100, true)
const detailOf = ({ telemetry, run }: StoredRecord): RunDetail => ({ telemetry, run, chunkTimes: null })
const recorded = async (sample: Sample) => detailOf(await record(exchangeOfSample(sample)))
const compact = (text: string) => text.replace(/\s/g, '')
/** The facts at the top, by their labels. */
const facts = (out: string) =>
  new Map([...out.matchAll(/^([A-Z][a-z]+) {2,}(.*)$/gm)].map(([, label, text]) => [label, text]))

describe('what a person is shown of a call', () => {
  it('has, for the samples of every format, all that was said, used and billed, and nothing that does not apply', async () => {
    const formats = new Set<string>()
    for (const sample of loadSamples()) {
      const detail = await recorded(sample)
      const { telemetry, run } = detail
      const out = shown(detail)
      const where = `${sample.name}:\n${out}`
      formats.add(telemetry.metadata.operation)
      const { expect: wanted } = sample
      const said = [
        ...[wanted?.text, wanted?.reasoning, wanted?.refusal, ...(wanted?.parts ?? [])],
        ...(wanted?.toolCalls ?? []).map(({ name, arguments: given }) => `→ ${name}(${given}`),
        ...(wanted?.choices ?? []).map(({ text }) => text),
      ]
      for (const text of said) if (text) expect(compact(out), where).toContain(readable(text))
      for (const one of run.messages as readonly { text: string }[])
        expect(compact(out), where).toContain(readable(one.text))
      expect(out.includes('\nbill\n'), where).toBe(run.bill.length > 0)
      expect(out.includes('\nusage as reported\n'), where).toBe(run.raw_usage !== null)
      expect(out, where).not.toMatch(/undefined|NaN|\[object/)
      const hasTokens = telemetry.metadata.prompt_tokens !== null || telemetry.metadata.total_tokens !== null
      if (!hasTokens && !estimatedOperations.has(telemetry.metadata.operation))
        expect(facts(out).has('Tokens'), where).toBe(false)
    }
    expect(formats.size).toBeGreaterThan(10)
  }, 120_000)

  /** Moved in and with its characters that steer a terminal shown instead: only what both keep is compared. */
  const readable = (text: string) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is not compared
    const plain = /[\u0000-\u001f\u007f-\u009f]/.test(text.replace(/\s/g, '')) ? '' : text
    return compact(asRead(plain)).toWellFormed()
  }
  const asRead = (text: string) => {
    try {
      return /^\s*[{[]/.test(text) ? JSON.stringify(JSON.parse(text)) : text
    } catch {
      return text
    }
  }

  it.each([
    ['google/predict-images', '2 images', 'images'],
    ['openai/speech', '18 characters spoken', 'characters spoken'],
    ['openai/transcription-verbose', '9 seconds of sound', 'seconds of sound'],
    ['cohere/rerank', '1 search unit', 'searches'],
  ])('%s: what is billed by the piece has its pieces where others have tokens', async (name, used, billed) => {
    const out = shown(await recorded(loadSample(name)))
    expect(facts(out).get('Used')).toBe(used)
    expect(facts(out).has('Tokens')).toBe(false)
    expect(out).toMatch(new RegExp(`^ {2}${billed} +\\d+ +\\$[\\d.]+ each +\\$[\\d.]+$`, 'm'))
  })

  it.each([
    ['openai/embeddings', 'Tokens', '2 in · reported'],
    ['ollama/chat-stream', 'Server', /^loaded the model in .* · read the prompt in .* · generated for .*$/],
    ['ollama/written/pull-stream', 'Server', /^last word: success · 2 layers · 2.0 GiB moved · of 2.0 GiB$/],
    ['ollama/generate-load-only', 'Tokens', '– (none)'],
  ])('%s: %s', async (name, label, text) => {
    const found = facts(shown(await recorded(loadSample(name)))).get(label)
    if (typeof text === 'string') expect(found).toBe(text)
    else expect(found).toMatch(text)
  })

  it('has no tokens and no cost of what is no call of a model, and says where its bytes are', async () => {
    const out = shown(await recorded(loadSample('openai/responses-get')))
    expect([...facts(out).keys()]).not.toEqual(expect.arrayContaining(['Tokens']))
    expect([...facts(out).keys()]).not.toEqual(expect.arrayContaining(['Cost']))
    expect(out).toContain('--raw response print the bytes')
  })
})

describe('whatever a record holds', () => {
  it('is shown, also where fields are missing, are of another kind, or are nobody knows what', async () => {
    const { telemetry, run, chunkTimes } = { ...aRecord(), chunkTimes: [[1, 2]] }
    const anything = fc.oneof(fc.constant(undefined), fc.constant(null), fc.jsonValue(), fc.double(), fc.string())
    const changes = (of: object) => fc.dictionary(fc.constantFrom(...Object.keys(of)), anything, { maxKeys: 12 })
    fc.assert(
      fc.property(
        changes(telemetry.metadata),
        changes(run),
        fc.oneof(anything, fc.constant(chunkTimes)),
        (metadata, ran, times) => {
          const detail = {
            telemetry: { ...telemetry, metadata: { ...telemetry.metadata, ...metadata } },
            ...{ run: { ...run, ...ran }, chunkTimes: times },
          } as unknown as RunDetail
          const out = shown(detail)
          expect(out.startsWith(telemetry._id)).toBe(true)
          expect(out).toContain('\ntimeline\n')
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('of a record that has next to nothing only that is shown', () => {
    const { telemetry } = aRecord()
    const bare = {
      telemetry: { ...telemetry, metadata: { method: 'POST' } },
      run: { prompt: 'Hello?' },
      chunkTimes: null,
    }
    const out = shown(bare as unknown as RunDetail)
    expect(out).toContain('\nprompt\n  Hello?\n')
    expect(out).not.toMatch(/undefined|null|NaN/)
  })

  it('messages and answers of a form that is not known are shown as what is there', () => {
    const { telemetry, run } = aRecord()
    const parts = [{ type: 'hologram', size: 4 }]
    const out = shown({
      ...{ telemetry, chunkTimes: null },
      run: { ...run, messages: [{ role: 'user', content: parts }, { odd: 1 }, 'bare'], choices: [{ later: 'kind' }] },
    })
    for (const value of [JSON.stringify(parts), '{"odd":1}', 'bare', '{"later":"kind"}'])
      expect(compact(out)).toContain(value)
  })
})
