import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { costOf } from '../../src/meter/cost.ts'
import { decimalOf, decimalText, divideRounded, scaled, scaledRounded } from '../../src/meter/decimal.ts'
import { findPrice } from '../../src/meter/match.ts'
import { loadPrices, type PriceEntry, priceBook } from '../../src/meter/prices.ts'
import { priceSheet, tierIsUnpriced } from '../../src/meter/sheet.ts'
import type { Units } from '../../src/meter/units.ts'
import { unknownUsage } from '../../src/records/usage.ts'

const file = (models: string, more = ''): { name: string; text: string } => ({
  name: 'own.json',
  text: `{"schema": 1, "as_of": "2026-11-01", "providers": [{"id": "own", "aliases": ["mine"]}], "models": [${models}]${more}}`,
})
const model = (fields: string): string => `{"provider": "own", "model": "M", "aliases": ["m-short"], ${fields}}`
const entryOf = (fields: string): PriceEntry =>
  priceBook([file(model(fields))])
    .providers.get('own')!
    .entries.get('m')!
const at = (fields: string, day: string, inputTokens = 10, serviceTier: string | null = null, batch = false) => {
  const wallMs = Date.parse(day.includes('T') ? day : `${day}T12:00:00Z`)
  const sheet = priceSheet(entryOf(fields), { wallMs, inputTokens, serviceTier, batch })
  return Object.fromEntries([...sheet].map(([name, price]) => [name, price.text]))
}

describe('price book', () => {
  it('keeps every price as the decimal text that was written', () => {
    expect(entryOf('"input": 0.10, "output": 2.0000000001').fields).toMatchObject({
      input: '0.10',
      output: '2.0000000001',
    })
  })

  it('names its version by day and content', () => {
    const one = entryOf('"input": 1').version
    expect(one).toMatch(/^2026-11-01-[0-9a-f]{8}$/)
    expect(entryOf('"input": 1').version).toBe(one)
    expect(entryOf('"input": 2').version).not.toBe(one)
  })

  it('lets a later file replace an entry', () => {
    const book = priceBook([file(model('"input": 1')), file(model('"input": 2'))])
    expect(book.providers.get('own')!.entries.get('m-short')!.fields.input).toBe('2')
  })

  it('lets a later entry replace an earlier one under every name that this one had', () => {
    const book = priceBook([file(model('"input": 1')), file('{"provider": "own", "model": "M", "input": 2}')])
    expect(book.providers.get('own')!.entries.get('m-short')!.fields.input).toBe('2')
    const one = priceBook([file(model('"input": 1')), file('{"provider": "own", "model": "m-short", "input": 2}')])
    expect(['m', 'm-short'].map((name) => one.providers.get('own')!.entries.get(name)!.fields.input)).toEqual([
      '1',
      '2',
    ])
  })

  it('lets later rules come before earlier ones, and those of one file in their order', () => {
    const rules = (...texts: string[]) => ({ name: 'r.json', text: `{"schema": 1, "rules": [${texts.join()}]}` })
    const rule = (match: string, input: number) => `{"provider": "own", "match": "${match}", "input": ${input}}`
    const book = priceBook([rules(rule('*', 1)), rules(rule('a*', 2), rule('*', 3))])
    expect(['abc', 'xyz'].map((name) => findPrice(book, 'own', name)?.fields.input)).toEqual(['2', '3'])
  })

  it('knows a deployment by the model that the operator says it stands for', () => {
    const names = '{"provider": "own", "name": "Our-Chat", "model": "m-short"}'
    const book = priceBook([file(model('"input": 1'), `, "names": [${names}]`)])
    expect(findPrice(book, 'own', 'our-chat')?.model).toBe('M')
    expect(findPrice(book, 'own', 'our-other')).toBeNull()
    expect(findPrice(priceBook([file(model('"input": 1'))]), 'own', 'our-chat')).toBeNull()
    for (const partial of ['{"provider": "own"}', '{"provider": "own", "name": "x"}', '{"name": "x", "model": "m"}'])
      expect(() => priceBook([file('', `, "names": [${partial}]`)])).toThrow('own.json: a name without provider')
  })

  it('has no entry for an empty name', () => {
    const book = priceBook([file('{"provider": "own", "model": "M", "aliases": [""], "input": 1}')])
    expect(findPrice(book, 'own', '')).toBeNull()
    expect(findPrice(loadPrices(), 'fireworks', '')).toBeNull()
  })

  describe('in YAML', () => {
    const yaml = (text: string) => priceBook([{ name: 'own.yaml', text }])
    const entries = (text: string) => yaml(text).providers.get('own')!.entries

    it('is read like JSON, to the last digit, without a schema', () => {
      const entry = entries(
        'as_of: 2026-11-01\nmodels:\n  - provider: own\n    model: M\n    aliases: [m-2, "3.5"]\n    input: 0.10\n    output: 0.000000000001\n' +
          '    cached_input: null\n    tiers:\n      - { above_input_tokens: 1000, input: 2.50 }\n    history: [{ until: 2026-06-01, input: 9 }]\n',
      ).get('3.5')!
      expect(entry.fields).toMatchObject({ input: '0.10', output: '0.000000000001', cached_input: null })
      expect(entry.version).toMatch(/^2026-11-01-/)
      const sheet = (day: string, inputTokens: number) =>
        priceSheet(entry, { wallMs: Date.parse(day), inputTokens, serviceTier: null, batch: false }).get('input')?.text
      expect([sheet('2026-07-01', 10), sheet('2026-07-01', 2000), sheet('2026-01-01', 10)]).toEqual([
        '0.10',
        '2.50',
        '9',
      ])
    })

    it('may be empty, and has no version day of its own', () => {
      expect(yaml('# nothing yet\n').providers.size).toBe(0)
      expect(entries('models: [{ provider: own, model: M, input: 1 }]').get('m')!.version).toMatch(/^undated-/)
    })

    it.each([
      ['models: [{ provider: own, model: M, input: 1e-6 }]', /own.yaml: input: 1e-6: wants a plain decimal/],
      ['models: [{ provider: own, model: M, input: -1 }]', /own.yaml: input: -1: wants a plain decimal/],
      ['models: [{ provider: own, model: M, input: .5 }]', /own.yaml: input: .5: wants a plain decimal/],
      ['models: [{ provider: own, model: M, output: two }]', /own.yaml: M: output: "two": wants a plain decimal/],
      ['models: [{ provider: own, model: M, output: $2 }]', /own.yaml: M: output: "\$2": wants a plain decimal/],
      ['models: [{ provider: own, model: M, web_search: { low: x } }]', /own.yaml: M: web_search: "x": wants a plain/],
      [
        'models: [{ provider: own, model: M, tiers: [{ input: x }] }]',
        /own.yaml: M: input: "x": wants a plain decimal/,
      ],
      ['models: [{ provider: own, model: M, inputs: 1 }]', /own.yaml: M: inputs: no such field; did you mean input\?/],
      ['models: [{ provider: own, model: M, imput: 1 }]', /own.yaml: M: imput: no such field; did you mean input\?/],
      ['models: [{ provider: own, input: 1 }]', /own.yaml: a price without provider or model/],
      ['models: [{ provider: own', /own.yaml: /],
      ['just words', /own.yaml: no price file of schema 1/],
      ['schema: 2', /own.yaml: no price file of schema 1/],
    ])('refuses %s', (text, message) => {
      expect(() => yaml(text)).toThrow(message)
    })
  })

  it('config/prices.yaml adds nothing until it is edited, and its examples work when their comment signs are gone', () => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'config', 'prices.yaml'), 'utf8')
    expect(priceBook([{ name: 'prices.yaml', text }]).providers.size).toBe(0)
    const live = text.replace(/^(models|names|rules): \[\]$/gm, '$1:').replace(/^#( {2}.*)$/gm, '$1')
    const book = priceBook([{ name: 'prices.yaml', text: live }])
    expect(findPrice(book, 'openai', 'gpt-4o')?.fields).toMatchObject({ input: '2', cached_input: '1', output: '8' })
    expect(findPrice(book, 'vllm', 'our-llama-long')?.fields.input).toBe('0.05')
    expect(findPrice(book, 'together', 'acme/m')?.fields.input).toBe('0.2')
    expect(book.providers.get('openai')!.names.get('our-chat')).toBe('gpt-4o-mini')
  })

  it.each([
    ['{', /own.json: /],
    ['{"schema": 2}', /own.json: no price file of schema 1/],
    ['{"schema": 1, "models": [{"provider": "own"}]}', /own.json: a price without provider or model/],
    [
      '{"schema": 1, "models": [{"provider": "own", "model": "m", "input": 1e-6}]}',
      /own.json: input: 1e-6: wants a plain decimal/,
    ],
    [
      '{"schema": 1, "models": [{"provider": "own", "model": "m", "input": -1}]}',
      /own.json: input: -1: wants a plain decimal/,
    ],
  ])('refuses %s', (text, message) => {
    expect(() => priceBook([{ name: 'own.json', text }])).toThrow(message)
  })

  it('holds prices for every provider that has a folder, and for those that have none yet', async () => {
    const book = loadPrices()
    for (const id of (await loadProviders()).keys()) expect([...book.providers.keys()]).toContain(id)
    for (const id of ['google', 'bedrock', 'vertex', 'azure', 'mistral', 'deepseek', 'xai', 'together'])
      expect(book.providers.get(id)!.entries.size).toBeGreaterThan(0)
  })

  it('credits its sources in every file and in NOTICE', () => {
    const root = join(import.meta.dirname, '..', '..')
    const notice = readFileSync(join(root, 'NOTICE'), 'utf8')
    for (const folder of readdirSync(join(root, 'providers'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )) {
      const { sources } = JSON.parse(readFileSync(join(root, 'providers', folder.name, 'prices.json'), 'utf8'))
      expect(sources).toHaveLength(7)
      for (const { copyright } of sources) if (copyright) expect(notice).toContain(copyright)
    }
  })
})

describe('prices that hold for a call', () => {
  const dated =
    '"input": 3, "output": 9, "cached_input": 0.3, "batch_input": 1.5, "priority": {"input": 6}, ' +
    '"tiers": [{"above_input_tokens": 100, "input": 5}, {"above_input_tokens": 200, "input": 7, "priority": {"input": 14}}], ' +
    '"history": [{"until": "2026-06-01", "input": 2}, {"until": "2026-03-01", "input": 1, "tiers": [{"above_input_tokens": 50, "input": 4}]}], ' +
    '"changes": [{"from": "2027-01-01", "input": 10}, {"from": "2027-02-01", "output": 20}]'

  it.each([
    ['2026-02-28', '1'],
    ['2026-03-01', '2'],
    ['2026-05-31T23:59:59Z', '2'],
    ['2026-06-01T00:00:00Z', '3'],
    ['2026-12-31T23:59:59Z', '3'],
    ['2027-01-01T00:00:00Z', '10'],
    ['2027-03-01', '10'],
  ])('on %s the input price is %s', (day, input) => {
    expect(at(dated, day).input).toBe(input)
  })

  it('adds announced changes up', () => {
    expect(at(dated, '2027-03-01')).toMatchObject({ input: '10', output: '20', cached_input: '0.3' })
  })

  it('starts a tier strictly above its threshold, the highest one that was passed', () => {
    expect([100, 101, 200, 201].map((tokens) => at(dated, '2026-07-01', tokens).input)).toEqual(['3', '5', '5', '7'])
  })

  it('uses tiers, service tiers and batch prices of the base only while the base is in force', () => {
    expect(at(dated, '2026-04-01', 500).input).toBe('2')
    expect(at(dated, '2026-02-01', 500).input).toBe('4')
    expect(at(dated, '2026-04-01', 10, 'priority').input).toBe('2')
    expect(at(dated, '2026-04-01', 10, null, true).input).toBe('2')
    expect(at(dated, '2026-07-01', 10, null, true).input).toBe('1.5')
  })

  it('takes the price of the service tier that served, and the tier’s own where it has one', () => {
    expect(at(dated, '2026-07-01', 10, 'priority').input).toBe('6')
    expect(at(dated, '2026-07-01', 10, 'fast').input).toBe('6')
    expect(at(dated, '2026-07-01', 300, 'priority').input).toBe('14')
    for (const tier of ['default', 'auto', 'standard', 'flex', '__proto__'])
      expect(at(dated, '2026-07-01', 10, tier).input).toBe('3')
  })

  it('knows peak hours by day and time, in UTC', () => {
    const offPeak =
      '"input": 2, "off_peak": {"input": 1, "peak_hours": {"utc": [["01:00", "04:00"], ["06:00", "10:00"]], "days": ["mon", "tue"]}}'
    const price = (when: string) => at(offPeak, when).input
    // 2026-10-26 is a Monday
    expect(
      ['00:59', '01:00', '03:59', '04:00', '09:59', '10:00'].map((time) => price(`2026-10-26T${time}:30Z`)),
    ).toEqual(['1', '2', '2', '1', '2', '1'])
    expect(price('2026-10-28T02:00:00Z')).toBe('1')
  })

  it('knows peak hours that pass midnight', () => {
    const offPeak = '"input": 2, "off_peak": {"input": 1, "peak_hours": {"utc": [["22:00", "02:00"]]}}'
    const price = (time: string) => at(offPeak, `2026-10-26T${time}:00Z`).input
    expect(['21:59', '22:00', '23:59', '00:00', '01:59', '02:00'].map(price)).toEqual(['1', '2', '2', '2', '2', '1'])
  })

  it('says when a service tier has no price of its own', () => {
    const base =
      '"input": 3, "output": 9, "priority": {"input": 6}, "tiers": [{"above_input_tokens": 100, "flex": {"input": 1}}]'
    const unpriced = (serviceTier: string | null, inputTokens = 10) =>
      tierIsUnpriced(entryOf(base), { wallMs: 0, inputTokens, serviceTier, batch: false })
    for (const tier of [null, 'default', 'standard', 'auto', 'batch', 'priority', 'fast'])
      expect(unpriced(tier)).toBe(false)
    expect([unpriced('flex'), unpriced('flex', 101), unpriced('scale')]).toEqual([true, false, true])
  })
})

describe('cost', () => {
  const cost = (fields: string, usage: object, units: Units = {}) =>
    costOf(
      {
        provider: 'own',
        model: 'mine/M-2026-01-01',
        wallMs: Date.parse('2026-11-02'),
        usage: { ...unknownUsage, ...usage },
        estimated: false,
        serviceTier: null,
        batch: false,
        conditions: [],
        units,
      },
      priceBook([file(model(fields))]),
    )

  it('bills cached input at the input price where no other is known', () => {
    expect(
      cost('"input": 2, "output": 4, "cached_input": null', { input: 10, cacheRead: 4, cacheWrite: 3, output: 1 })
        .picodollars,
    ).toBe(24_000_000n)
  })

  it('is unknown where a count or a price is missing, never zero', () => {
    expect(cost('"input": 2, "output": 4', { input: 10 })).toMatchObject({
      picodollars: null,
      unpricedReason: 'no output count for own/mine/M-2026-01-01',
    })
    expect(cost('"input": 2, "output": 4', { output: 10 })).toMatchObject({
      picodollars: null,
      unpricedReason: 'no input count for own/mine/M-2026-01-01',
    })
    expect(cost('"input": 2, "output": null', { input: 10, output: 3 }).unpricedReason).toMatch(/no output price/)
    expect(cost('"input": 2, "output": 4', { input: 10, output: 3, webSearches: 1 }).unpricedReason).toMatch(
      /no web_search price/,
    )
  })

  it('bills what the vendor says it bills, where it counts something else', () => {
    const prices = '"input": 2, "output": 4, "cached_input": 1'
    const processed = { input: 507, inputUncached: 59, cacheRead: 448, output: 10 }
    expect(cost(prices, { ...processed, billedInput: 12, billedOutput: 7 })).toMatchObject({
      picodollars: 52_000_000n,
      lines: [
        { field: 'input', quantity: 12 },
        { field: 'output', quantity: 7 },
      ],
    })
    expect(cost(prices, { ...processed, billedInput: 12 }).unpricedReason).toMatch(/no output count/)
    expect(cost(`${prices}, "mode": "embedding"`, { input: 9, billedInput: 4 }).picodollars).toBe(8_000_000n)
  })

  it('bills search units each, with or without tokens', () => {
    expect(cost('"per_query": 0.002, "mode": "rerank"', {}, { searchUnits: 3 })).toMatchObject({
      picodollars: 6_000_000_000n,
      lines: [{ field: 'per_query', quantity: 3 }],
    })
    expect(
      cost('"per_query": 0.002, "input": 1, "mode": "rerank"', { input: 10 }, { searchUnits: 1 }).picodollars,
    ).toBe(2_010_000_000n)
    expect(cost('"input": 1, "mode": "rerank"', {}, { searchUnits: 1 }).unpricedReason).toMatch(/no tokens counted/)
    expect(cost('"per_query": 0.002, "mode": "rerank"', {}).unpricedReason).toMatch(/no tokens counted/)
  })

  it('bills video apart where it has a price of its own, else as text', () => {
    const usage = { input: 100, videoInput: 60, audioInput: 30, output: 10, videoOutput: 4 }
    expect(cost('"input": 1, "output": 2, "audio_input": 3, "video_input": 5, "video_output": 7', usage).lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ field: 'input', quantity: 10 }),
        expect.objectContaining({ field: 'video_input', quantity: 60 }),
        expect.objectContaining({ field: 'audio_input', quantity: 30 }),
        expect.objectContaining({ field: 'output', quantity: 6 }),
        expect.objectContaining({ field: 'video_output', quantity: 4 }),
      ]),
    )
    expect(cost('"input": 1, "output": 2', usage).lines).toMatchObject([
      { quantity: 70 },
      { quantity: 30 },
      { quantity: 10 },
    ])
  })

  it('stays exact beyond what a double holds', () => {
    expect(
      cost('"input": 0.0000000001, "output": 123.456789', { input: 3, output: 9_007_199_254_740_991 }).picodollars,
    ).toBe(9_007_199_254_740_991n * 123_456_789n)
  })

  it('never bills a part larger than the whole', () => {
    const odd = { input: 5, cacheRead: 9, audioInput: 20, output: 2, audioOutput: 7, reasoning: 50 }
    const { lines } = cost('"input": 1, "output": 1, "audio_input": 1, "reasoning_output": 1', odd)
    expect(lines.every((line) => line.quantity > 0)).toBe(true)
    expect(lines.filter((line) => line.field !== 'input').reduce((sum, line) => sum + line.quantity, 0)).toBe(2)
  })
})

describe('decimals', () => {
  it('read and write exactly, and round half up', () => {
    expect(scaled('0.1', 12)).toBe(100_000_000_000n)
    expect(() => scaled('0.0000000000001', 12)).toThrow('more than 12 decimal places')
    expect(() => scaled('1e3', 12)).toThrow('no decimal number')
    expect([divideRounded(5n, 10n), divideRounded(4n, 10n), divideRounded(15n, 10n)]).toEqual([1n, 0n, 2n])
    expect([scaledRounded('0.15', 1), scaledRounded('2', 1)]).toEqual([2n, 20n])
    expect([decimalText(5n, 3), decimalText(-12345n, 3), decimalText(7n, 0)]).toEqual(['0.005', '-12.345', '7'])
    expect([decimalOf(12), decimalOf(0.25), decimalOf(1e-7)]).toEqual(['12', '0.25', '0.0000001'])
  })
})
