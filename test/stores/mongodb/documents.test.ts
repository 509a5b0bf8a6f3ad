import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import * as driver from 'mongodb'
import { describe, expect, it } from 'vitest'
import { loadProviders } from '../../../providers/index.ts'
import { loadPrices } from '../../../src/meter/prices.ts'
import { recordMaker } from '../../../src/pipeline/records.ts'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { collections } from '../../../src/stores/mongodb/collections.ts'
import { bodyOf, documentsOf, mostGrowth, runFrom, telemetryFrom } from '../../../src/stores/mongodb/documents.ts'
import { documentLimit } from '../../../src/stores/mongodb/fitted.ts'
import { restored, storable } from '../../../src/stores/mongodb/safe-values.ts'
import { exchangeOfSample } from '../../pipeline/sample-exchange.ts'
import { aRecord } from '../../support/records.ts'
import { loadSamples } from '../../support/samples.ts'
import { violations } from './schema.ts'

const record = recordMaker({
  instance: 'i',
  providers: await loadProviders(),
  prices: loadPrices(),
  tokens: { count: async (_encoding, texts) => texts.map((text) => Math.ceil(text.length / 4)), close: async () => {} },
  pepper: 'pepper',
  bodyLimitBytes: 1024 * 1024,
  projectNames: new Map(),
})

/** Through the wire's own coding and back. */
const sent = (document: driver.Document): driver.Document => driver.BSON.deserialize(driver.BSON.serialize(document))

function expectRoundTrip(given: StoredRecord): void {
  const { telemetry, run } = documentsOf(driver, given)
  expect(violations(collections.telemetry.validator.$jsonSchema, telemetry)).toEqual([])
  expect(violations(collections.llm_runs.validator.$jsonSchema, run)).toEqual([])
  expect(telemetryFrom(sent(telemetry))).toEqual(JSON.parse(JSON.stringify(given.telemetry)))
  expect(runFrom(sent(run))).toEqual(JSON.parse(JSON.stringify(given.run)))
}

describe('every recorded exchange as documents', () => {
  it.each(loadSamples().map((sample) => [sample.name, sample] as const))(
    '%s fulfils the validators and comes back as it was',
    async (_name, sample) => {
      expectRoundTrip(await record(exchangeOfSample(sample)))
    },
  )
})

describe('documents', () => {
  it('hold times as dates, money as a long, bytes as binary and no list within a list', () => {
    const { telemetry, run } = documentsOf(driver, aRecord({ metadata: { cost_picodollars: '9007199254740993' } }))
    expect(telemetry.timestamp).toEqual(new Date('2026-11-20T10:15:30.000Z'))
    expect(telemetry.metadata.cost_picodollars).toEqual(driver.Long.fromString('9007199254740993'))
    expect(run.request_bytes).toBeInstanceOf(driver.Binary)
    expect(run.response_headers).toEqual([{ name: 'content-type', value: 'text/event-stream' }])
  })

  it('keep money beyond what a long holds, as text', () => {
    expectRoundTrip(aRecord({ metadata: { cost_picodollars: '18446744073709551616000' } }))
  })

  it('are refused for numbers that cannot be true', () => {
    expect(() => documentsOf(driver, aRecord({ metadata: { cost_picodollars: 'a lot' } }))).toThrow()
    expect(() => documentsOf(driver, aRecord({ metadata: { request_size: -1 } }))).toThrow('no count')
  })

  it('a whole number of any size is a number to the validators, and so is a fraction', () => {
    for (const latency_ms of [12, 12.5, 2 ** 40, 0]) expectRoundTrip(aRecord({ metadata: { latency_ms } }))
  })

  it('a document without a required field, or with one of another type, breaks the validator', () => {
    const { telemetry } = documentsOf(driver, aRecord())
    const schema = collections.telemetry.validator.$jsonSchema
    expect(violations(schema, { ...telemetry, timestamp: 'yesterday' })).toEqual([
      'document.timestamp is string, wants date',
    ])
    expect(violations(schema, { ...telemetry, metadata: {} })).toContain('document.metadata lacks latency_ms')
  })
})

describe('values that others made', () => {
  const nasty = [
    'a.b',
    '$where',
    '',
    '%',
    '%2E',
    '%json',
    '_bsontype',
    '__proto__',
    'nul\0',
    '\ud800',
    '$',
    '.',
    'constructor',
  ]
  const anything = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .array(fc.tuple(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'binary' })), tie('value')), {
          maxLength: 4,
        })
        .map((entries) => Object.fromEntries(entries)),
    ),
  })).value

  it('come back as they were, through keys and values that servers do not take', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const stored = storable({ value })
        expect(problems(stored)).toEqual([])
        const back = restored(sent(stored as driver.Document))
        expect(back).toEqual(JSON.parse(JSON.stringify({ value })))
      }),
      { numRuns: 500 },
    )
  })

  it('are never taken for a value of the driver', () => {
    const value = { _bsontype: 'ObjectId', toHexString: 'x', id: 'y' }
    expect(restored(sent(storable({ value }) as driver.Document))).toEqual({ value })
  })

  it('nest deeper than any document, and are kept', () => {
    let value: unknown = 'deep'
    for (let level = 0; level < 150; level++) value = { 'a.b': [value] }
    const stored = storable({ value }) as driver.Document
    expect(depthOf(stored)).toBeLessThan(60)
    expect(restored(sent(stored))).toEqual({ value })
  })

  it('grow less on their way into a document than is allowed for', () => {
    const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
    const grown = (value: object) =>
      driver.BSON.calculateObjectSize(storable(value) as driver.Document) / bytesOf(value)
    fc.assert(
      fc.property(anything, (value) => {
        const much = { value: Array.from({ length: 50 }, () => value) }
        expect(grown(much)).toBeLessThan(mostGrowth)
      }),
      { numRuns: 300 },
    )
    const digits = { value: Array.from({ length: 300_000 }, (_, at) => at % 10) }
    expect(grown(digits)).toBeGreaterThan(5)
    expect(grown(digits)).toBeLessThan(mostGrowth)
  })

  it('that JSON does not know become null, as in JSON', () => {
    expect(storable({ a: Number.NaN, b: [Number.POSITIVE_INFINITY, undefined], c: undefined, d: -0 })).toEqual({
      a: null,
      b: [null, null],
      d: 0,
    })
  })

  it('stand in telemetry and runs', () => {
    const odd = { 'gpt-4.1': { $input: [[1, [2]], -0] }, '': { ['__proto__']: 'x' } }
    expectRoundTrip(
      aRecord({
        metadata: { additional_data: odd, rate_limits: { 'x.limit': '1' } },
        run: { raw_usage: [[odd]], metadata: odd, parameters: odd, messages: [odd, [odd]], tool_calls: [odd] },
      }),
    )
  })
})

describe('a call that is larger than a document', () => {
  const mib = 1024 * 1024
  const facts = aRecord().run.request_body

  it('loses the end of its bodies, and says so', () => {
    const [requestBytes, plainAnswer] = [Buffer.alloc(10 * mib, 'q'), Buffer.alloc(30 * mib, 'abc')]
    const body = { ...facts, size: plainAnswer.length, kept: plainAnswer.length, truncated: false }
    const { run, bytes } = documentsOf(
      driver,
      aRecord({
        requestBytes,
        responseBytes: Buffer.alloc(12 * mib, 'abc'),
        run: { request_body: { ...body, size: requestBytes.length, kept: requestBytes.length }, response_body: body },
      }),
    )
    expect(bytes).toBeLessThan(16 * mib)
    expect(run.document_cut).toBe(true)
    for (const side of ['request', 'response'] as const) {
      const kept = bodyOf(sent(run), side)
      expect(kept?.facts).toMatchObject({ truncated: true, kept: kept?.bytes.length })
      expect(kept?.bytes.length).toBeGreaterThan(7 * mib)
    }
  })

  it('keeps the shorter body whole, and the beginning of a compressed one is readable', () => {
    const answer = Buffer.from(
      Array.from({ length: 3.2 * mib }, () => Math.random().toString(36).slice(2, 10)).join(''),
    )
    const packed = zstdCompressSync(answer)
    expect(packed.length).toBeGreaterThan(documentLimit)
    const record = aRecord({
      responseBytes: packed,
      run: { response_body: { ...facts, size: answer.length, kept: answer.length, truncated: false, coding: 'zstd' } },
    })
    const { run } = documentsOf(driver, record)
    expect(bodyOf(sent(run), 'request')).toEqual({
      bytes: new Uint8Array(record.requestBytes!),
      facts: record.run.request_body,
    })
    const kept = bodyOf(sent(run), 'response')
    expect(kept?.facts).toMatchObject({ truncated: true, coding: 'identity', size: answer.length })
    expect(Buffer.compare(kept!.bytes, answer.subarray(0, kept!.bytes.length))).toBe(0)
  })

  it('is cut as well when it was said how large it is', () => {
    const large = aRecord({ responseBytes: Buffer.alloc(20 * mib, 'a') })
    const { run } = documentsOf(driver, { ...large, keptBytes: 20 * mib + 3_000 })
    expect(run.document_cut).toBe(true)
    expect(driver.BSON.calculateObjectSize(run)).toBeLessThan(16 * mib)
    expect(documentsOf(driver, { ...aRecord(), keptBytes: 3_000 })).toMatchObject({ bytes: 3_000 })
  })

  it('loses texts only when they alone are too much', () => {
    const { run } = documentsOf(driver, aRecord({ run: { prompt: 'p'.repeat(20 * mib), messages: ['m'] } }))
    expect(run).toMatchObject({ document_cut: true, text_truncated: true, messages: [] })
    expect(run.prompt.length).toBeGreaterThan(100_000)
    expect(bodyOf(sent(run), 'request')?.bytes.length).toBeGreaterThan(0)
  })

  it('is refused when even that does not help', () => {
    const headers = Array.from({ length: 200_000 }, (_, index) => [`name-${index}`, 'v'.repeat(100)] as const)
    expect(() => documentsOf(driver, aRecord({ run: { request_headers: headers } }))).toThrow(
      'the most that a server takes',
    )
  })
})

function problems(value: unknown, inList = false): string[] {
  if (Array.isArray(value))
    return [...(inList ? ['a list in a list'] : []), ...value.flatMap((item) => problems(item, true))]
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? [] : [`${value}`]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, field]) => [
    ...(/[.\0]|^\$|^$|^_bsontype$/.test(key) || !key.isWellFormed() ? [`key ${JSON.stringify(key)}`] : []),
    ...problems(field),
  ])
}

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
