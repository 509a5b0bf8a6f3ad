import { describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { observe } from '../../src/formats/observe.ts'
import type { Observed } from '../../src/formats/observed.ts'
import { outcomeOf } from '../../src/meter/outcome.ts'
import { modelOperations } from '../../src/records/outcome.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { asFormatSample, exchangeOf, type FormatSample, startMs } from '../contract/format-sample.ts'
import { formatSuite } from '../contract/format-suite.ts'
import { type Expectation, type HeaderPair, loadSamples, type Sample } from '../support/samples.ts'

const providers = await loadProviders()
const samples = loadSamples()
const inFormat = (sample: Sample): FormatSample => asFormatSample(sample, providers.get(sample.provider))

it('every sample says what a record of it must say', () => {
  expect(samples.length).toBeGreaterThan(180)
  expect(samples.filter((sample) => sample.expect?.outcome === undefined).map((sample) => sample.name)).toEqual([])
})

it('every recorded exchange is among them', () => {
  const recorded = (start: string) =>
    samples.filter(({ name }) => name.startsWith(start) && !name.includes('/written/'))
  const python = recorded('llamacpp/python/').length
  expect([recorded('ollama/').length, recorded('llamacpp/').length - python, python]).toEqual([61, 45, 15])
})

it('every sample is as long as its headers say', () => {
  const wrong = samples.filter(({ request, response }) => {
    const answered = response.pieces.reduce((sum, [, bytes]) => sum + bytes.length, 0)
    const bodiless = request.method === 'HEAD'
    return !says(request.headers, request.body.length) || !(bodiless || says(response.headers, answered))
  })
  expect(wrong.map((sample) => sample.name)).toEqual([])
})

describe.each(samples.map((sample) => [sample.name, sample] as const))('%s', (_name, sample) => {
  const exchange = exchangeOf(inFormat(sample))
  const observed = observe(exchange, providers.get(sample.provider), 'test')
  const wanted = sample.expect!

  it('means what its bytes say', () => {
    expect(observed.operation).toBe(wanted.operation)
    if (modelOperations.has(wanted.operation)) return expect(said(observed, sample)).toEqual(meant(wanted))
    // calls that are no model calls made no tokens, whatever their answers look like
    const { usage, progress, error } = observed.decoded ?? { usage: null, progress: null, error: null }
    expect([usage, progress]).toEqual([null, wanted.progress ?? null])
    if (observed.operation !== 'pull') expect(observed.format).toBeNull()
    if (wanted.error !== undefined) expect(error?.message ?? null).toBe(wanted.error)
  })

  it(`ends as ${wanted.outcome}`, () => {
    expect(outcomeOf(exchange, observed).outcome).toBe(wanted.outcome)
  })
})

for (const sample of samples) formatSuite(inFormat(sample))

/** The length is said truly, or not at all (chunks). */
function says(headers: readonly HeaderPair[], length: number): boolean {
  const said = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  return said === undefined || Number(said) === length
}

type Said = Required<Omit<Expectation, 'cost' | 'progress'>>

function said({ decoded, parseNote }: Observed, sample: Sample): Said {
  const first = decoded?.choices[0]
  const firstContent = decoded?.firstContentAtMs ?? null
  return {
    operation: sample.expect!.operation,
    model: decoded?.model ?? null,
    text: first?.text ?? '',
    reasoning: first?.reasoning ?? '',
    refusal: first?.refusal ?? '',
    toolCalls: (first?.toolCalls ?? []).map((call) => ({ name: call.name, arguments: call.arguments })),
    choices: (decoded && decoded.choices.length > 1 ? decoded.choices : []).map((choice) => ({
      index: choice.index,
      text: choice.text,
      finishReason: choice.finishReason,
    })),
    finishReason: decoded?.finishReason ?? null,
    usage: decoded?.usage ?? null,
    tokenSource: decoded?.tokenSource ?? 'none',
    ttftPiece: firstContent === null ? null : firstContent - startMs,
    outcome: sample.expect!.outcome!,
    error: decoded?.error?.message ?? null,
    embeddings: decoded?.embeddings ?? null,
    parseNote,
    parts: first?.parts ?? [],
  }
}

/** What is not written down was not there. */
function meant({ cost: _, progress: __, ...wanted }: Expectation): Said {
  return {
    model: null,
    text: '',
    reasoning: '',
    refusal: '',
    toolCalls: [],
    choices: [],
    finishReason: null,
    tokenSource: 'none',
    ttftPiece: null,
    outcome: 'ok',
    error: null,
    embeddings: null,
    parseNote: null,
    parts: [],
    ...wanted,
    usage: wanted.usage ? { ...unknownUsage, ...wanted.usage } : null,
  }
}
