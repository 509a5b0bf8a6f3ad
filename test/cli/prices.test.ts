import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadPrices } from '../../src/meter/prices.ts'
import { cells, cli, temporary } from './run-cli.ts'

const json = async (...words: string[]) => JSON.parse((await cli(['prices', ...words, '--json'])).out)
const one = async (...words: string[]) => {
  const { found } = await json(...words)
  expect(found).toHaveLength(1)
  return found[0]
}
const usualInput = ({ usual }: { usual: { kind: string; price: string }[] }) =>
  usual.find(({ kind }) => kind === 'input')?.price

describe('sightglass prices', () => {
  it.each([
    ['gpt-4o-2024-08-06', 'openai', 'gpt-4o', ['alias']],
    ['openai/gpt-4o', 'openai', 'gpt-4o', ['prefix']],
    ['GPT-4o', 'openai', 'gpt-4o', []],
    ['ft:gpt-4o-mini-2024-07-18:acme:x:abc', 'openai', 'ft:gpt-4o-mini-2024-07-18', ['fine-tune']],
    ['openai/gpt-4o:nitro', 'openrouter', 'openai/gpt-4o', ['vendor form']],
    ['anthropic/claude-opus-4-8-20270101', 'anthropic', 'claude-opus-4-8', ['prefix', 'version']],
    ['models/gemini-2.5-flash', 'google', 'gemini-2.5-flash', ['prefix']],
    ['llama3.2:1b', 'ollama', '*', ['rule']],
  ])('of %s at %s are those of %s, and it says how it came there', async (model, provider, entry, steps) => {
    expect(await one(model, '--provider', provider)).toMatchObject({ provider, entry, steps, list: 'built-in' })
  })

  it('without a provider are those of each list that has the model', async () => {
    const { found } = await json('gpt-4o')
    const owners = [...loadPrices().providers.values()].filter(({ entries }) => entries.has('gpt-4o'))
    expect(owners.length).toBeGreaterThan(1)
    expect(found.map(({ provider }: { provider: string }) => provider)).toEqual(
      expect.arrayContaining(owners.map(({ provider }) => provider)),
    )
  })

  it('tell what holds instead: in batches, by service tier, beyond a long context, by region', async () => {
    const { others } = await one('gpt-5.5', '--provider', 'openai')
    const when = new Set(others.flatMap((row: { when: string[] }) => row.when))
    expect(when).toEqual(
      new Set([
        'in a batch',
        'service tier priority',
        'service tier flex',
        'above 272000 input tokens',
        'region:us',
        'region:eu',
      ]),
    )
    const { out } = await cli(['prices', 'gpt-5.5', '--provider', 'openai'])
    const rows = out.split('\n').map(cells)
    expect(rows).toContainEqual(['input', '$10', 'per 1M tokens', 'above 272000 input tokens'])
    expect(rows).toContainEqual(['all tokens', '× 1.1', 'region:eu'])
  })

  it('are those of the moment that is asked for: announced changes, earlier prices, peak hours', async () => {
    const list = join(temporary(), 'prices.yaml')
    writeFileSync(
      list,
      `as_of: 2026-11-01
models:
  - provider: openai
    model: ours
    input: 4
    output: 8
    history: [{ until: 2026-03-01, input: 6 }]
    changes: [{ from: 2027-01-01, input: 3 }]
  - provider: openai
    model: nightly
    input: 4
    output: 8
    off_peak: { input: 1, peak_hours: { utc: [['08:00', '20:00']] } }
`,
    )
    const at = async (model: string, moment: string) =>
      usualInput(await one(model, '--provider', 'openai', '--prices-file', list, '--tz', 'UTC', '--at', moment))
    expect(await at('ours', '2026-02-28T23:59')).toBe('6')
    expect(await at('ours', '2026-11-20T12:00')).toBe('4')
    expect(await at('ours', '2027-01-01T00:00')).toBe('3')
    expect(await at('nightly', '2026-11-20T12:00')).toBe('4')
    expect(await at('nightly', '2026-11-20T03:00')).toBe('1')
    const text = (await cli(['prices', 'nightly', '--provider', 'openai', '--prices-file', list])).out
    expect(text).toContain(list)
    expect(text).toContain('outside the peak hours 08:00–20:00 UTC')
  })

  it("put the operator's own list first, also for a deployment that it names", async () => {
    const list = join(temporary(), 'prices.yaml')
    writeFileSync(
      list,
      `models: [{ provider: azure, model: gpt-4o, input: 2.25, output: 9 }]
names: [{ provider: azure, name: our-chat, model: gpt-4o }]
`,
    )
    const own = await one('our-chat', '--provider', 'azure', '--prices-file', list)
    expect(own).toMatchObject({ entry: 'gpt-4o', steps: ['own name'], list })
    expect(usualInput(own)).toBe('2.25')
  })

  it('of a model that no list has are none: the nearest names are told, and where to write one of your own', async () => {
    const { code, out, notes } = await cli(['prices', 'gpt-4oo', '--provider', 'openai'])
    expect([code, out]).toEqual([1, ''])
    expect(notes).toContain('no price of openai for gpt-4oo; near it are gpt-4')
    expect(notes).toContain('config/prices.yaml')
    expect((await cli(['prices', 'gpt-4o', '--provider', 'opnai'])).notes).toContain('opnai; there are openai')
    expect((await cli(['prices', 'gpt-4o', '--at', 'soon'])).notes).toContain('--at soon: wants')
    expect(JSON.parse((await cli(['prices', 'nobody-knows-it', '--json'])).out).found).toEqual([])
    const unknown = JSON.parse((await cli(['prices', 'gpt-4oo', '--provider', 'openai', '--json'])).out)
    expect(unknown).toMatchObject({ found: [], nearest: expect.arrayContaining(['gpt-4o']) })
    expect((await json('gpt-4o', '--provider', 'openai')).nearest).toEqual([])
  })
})
