import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { newId } from '../../src/lib/id.ts'
import { type PriceBook, priceBook } from '../../src/meter/prices.ts'
import { startTokenCounter } from '../../src/meter/tokens.ts'
import { recordMaker } from '../../src/pipeline/records.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { lockDirectory } from '../../src/stores/sqlite/lock.ts'
import type { RunDetail } from '../../src/stores/store.ts'
import { seeded } from '../faults/seeded.ts'
import { exchangeOfSample } from '../pipeline/sample-exchange.ts'
import { json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { loadSample } from '../support/samples.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { dies, expectPricedBy, expectTrueSums, oddlyPriced, ownPrices } from './priced-calls.ts'
import { cells, cli, spawnCli, storeWith, temporary } from './run-cli.ts'

describe('sightglass reprice', () => {
  it('makes the cost of every call by the present prices, and the usage stays the sum of its calls', async () => {
    const env = storeWith(oddlyPriced(1_300))
    const before = await expectTrueSums(env)
    const PRICES_FILE = ownPrices()
    const { code, out } = await cli(['reprice', '--json'], { ...env, PRICES_FILE })
    expect(code).toBe(0)
    const after = await expectTrueSums(env)
    expectPricedBy(after, PRICES_FILE)
    const report = JSON.parse(out)
    const sum = (runs: readonly RunDetail[]) =>
      runs
        .filter(({ telemetry }) => telemetry.metadata.operation === 'chat')
        .reduce((total, { telemetry }) => total + BigInt(telemetry.metadata.cost_picodollars ?? 0), 0n)
    expect(report.totals).toMatchObject({
      before: `${sum(before)}`,
      after: `${sum(after)}`,
      difference: `${sum(after) - sum(before)}`,
    })
    expect(report.totals.calls).toBe(after.filter(({ telemetry }) => telemetry.metadata.operation === 'chat').length)
    expect(report.totals.newly_priced).toBeGreaterThan(100)
    expect(report.unpriced).toContainEqual({
      reason: 'no price for openai/nobody-knows-it',
      calls: expect.any(Number),
    })
  })

  it('run again changes nothing', async () => {
    const env = storeWith(oddlyPriced(50))
    await cli(['reprice'], env)
    const content = everythingIn(env)
    const { out } = await cli(['reprice', '--json'], env)
    expect(JSON.parse(out).totals).toMatchObject({ changed: 0, difference: '0', newly_priced: 0 })
    expect(everythingIn(env)).toEqual(content)
  })

  it('tells the same with --dry-run, and writes nothing', async () => {
    const env = storeWith(oddlyPriced(300))
    const content = everythingIn(env)
    const trial = JSON.parse((await cli(['reprice', '--dry-run', '--json'], env)).out)
    expect(everythingIn(env)).toEqual(content)
    const real = JSON.parse((await cli(['reprice', '--json'], env)).out)
    expect(everythingIn(env)).not.toEqual(content)
    for (const report of [trial, real]) delete report.elapsed_ms
    expect(trial).toEqual({ ...real, dry_run: true })
    expect(trial.totals.changed).toBeGreaterThan(200)
  })

  it('prices only the calls that were asked for', async () => {
    const records = oddlyPriced(400)
    const [from, to] = ['2026-11-18T12:00', '2026-11-19T12:30']
    const inside = ({ telemetry: { timestamp, metadata } }: RunDetail) =>
      timestamp >= from && timestamp < to && metadata.project_id === 'acme' && metadata.llm_model === 'gpt-4o'
    const env = storeWith(records)
    const before = new Map((await expectTrueSums(env)).map((run) => [run.telemetry._id, run]))
    const words = ['--from', from, '--to', to, '--tz', 'UTC', '--project', 'acme', '--model', 'gpt-4o']
    expect(await cli(['reprice', '--provider', 'openai', ...words], env)).toMatchObject({ code: 0 })
    const after = await expectTrueSums(env)
    expectPricedBy(after.filter(inside), null)
    expect(after.filter(inside).length).toBeGreaterThan(5)
    for (const run of after.filter((one) => !inside(one))) expect(run).toEqual(before.get(run.telemetry._id))
    expect((await cli(['reprice', '--provider', 'groq'], env)).out).toBe('No calls like that.\n')
  })

  it('tells by project and model what changed, what is priced now, what is not and why', async () => {
    const call = (llm_model: string, cost: string | null, project_id = 'acme') =>
      aRecord({ metadata: { llm_model, project_id, cost_picodollars: cost, cost_usd: cost && 1 } as object })
    const env = storeWith([
      call('gpt-4o-mini', '3800000'),
      call('our-own-model', null),
      call('our-own-model', null, 'checkout'),
      call('retired', '2000000000000'),
      call('nobody-knows-it', null),
    ])
    const { out } = await cli(['reprice', '--prices-file', ownPrices(1_000, 1_000)], env)
    const row = (name: string) => cells(out.split('\n').find((line) => line.includes(name) && !line.startsWith('P')))
    expect(row('retired')).toEqual(['acme', 'retired', '1', '1', '$2.00', '$0', '-$2.00', '1', '1'])
    expect(row('checkout')).toEqual(['checkout', 'our-own-model', '1', '1', '$0', '$0.017', '+$0.017', '1'])
    expect(row('gpt-4o-mini')).toEqual(['acme', 'gpt-4o-mini', '1', '1', '$0.0000038', '$0.0000048', '+$0.000001'])
    expect(row('all')).toEqual(expect.arrayContaining(['all', '5', '-$1.97']))
    expect(out).toContain('Changed 5 of 5 calls')
    expect(out).toContain('1 had a price, and have none by the present list.')
    expect(out).toContain('  1  no price for openai/nobody-knows-it')
  })

  it("takes over an operator's new price from the records that a proxy made and told to have none, while --dry-run may look beside it", async () => {
    await using upstream = await scriptedUpstream((request) =>
      json({
        model: (request.json as { model: string }).model,
        choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 },
      }),
    )
    const DATA_DIR = temporary()
    const env = { DATA_DIR, PRICES_FILE: ownPrices() }
    const ids: (string | null)[] = []
    {
      await using proxy = await startProxy({ dataDir: DATA_DIR, upstreams: { openai: upstream.port } })
      for (const model of ['our-own-model', 'gpt-4o-mini']) {
        const body = JSON.stringify({ model, messages: [] })
        const answer = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', [], body))
        ids.push(answer.header('x-sightglass-id'))
      }
      await proxy.settled()
      const there = { SIGHTGLASS_URL: proxy.url, ADMIN_TOKEN: proxy.adminToken }
      expect(JSON.parse((await cli(['usage', '--json'], there)).out).unpriced).toEqual({
        calls: 1,
        models: [
          {
            ...{ provider: 'openai', model: 'our-own-model', calls: 1, call: ids[0] },
            reason: 'no price for openai/our-own-model',
          },
        ],
        truncated: false,
      })
      const refused = await cli(['reprice'], env)
      expect(refused).toMatchObject({ code: 1, out: '' })
      expect(refused.notes).toContain(`a proxy works in ${DATA_DIR}: stop it`)
      const trial = JSON.parse((await cli(['reprice', '--dry-run', '--json'], env)).out)
      expect(trial).toMatchObject({
        dry_run: true,
        totals: { calls: 2, changed: 1, newly_priced: 1, difference: '5600000000' },
      })
    }
    expect(await cli(['reprice'], env)).toMatchObject({ code: 0 })
    expectPricedBy(await expectTrueSums(env), env.PRICES_FILE)
    await using proxy = await startProxy({ dataDir: DATA_DIR, upstreams: { openai: upstream.port } })
    const there = { SIGHTGLASS_URL: proxy.url, ADMIN_TOKEN: proxy.adminToken }
    expect((await cli(['usage'], there)).out).not.toContain('leaves out')
    const { telemetry, run } = await proxy.record(ids[0]!)
    expect(telemetry.metadata).toMatchObject({ cost_usd: 0.0056, unpriced_reason: null })
    expect(run.bill).toMatchObject([
      { kind: 'input', quantity: 1_000, price: '5', picodollars: '5000000000' },
      { kind: 'output', quantity: 100, price: '6', picodollars: '600000000' },
    ])
  }, 30_000)

  it('prices images, seconds, characters and moderations again, and an answer that several calls tell once', async () => {
    const made = await recordsOf(
      [
        ['openai/images-generations-per-piece', '0.24'],
        ['openai/images-generations', '0.010945'],
        ['openai/transcription-seconds', '0.0003'],
        ['openai/speech', '0.00054'],
        ['openai/moderation', '0'],
        ['openai/responses-web-search-stream', '0.053'],
        ['openai/responses-background', null],
        ['openai/responses-background-poll-queued', null],
        ['openai/responses-background-poll-done', '0.0001025'],
        ['openai/responses-background-poll-done', null],
      ],
      priceBook([]),
    )
    const env = storeWith(made.map(({ record }) => record))
    for (const { telemetry } of await expectTrueSums(env)) expect(telemetry.metadata.cost_usd).toBeNull()
    const report = JSON.parse((await cli(['reprice', '--json'], env)).out)
    expect(report.totals).toMatchObject({ newly_priced: 7, still_unpriced: 0, after: '304887500000' })
    const after = new Map((await expectTrueSums(env)).map((run) => [run.telemetry._id, run]))
    for (const { record, usd } of made) {
      const { telemetry, run } = after.get(record.telemetry._id)!
      expect([run.cost_usd, telemetry.metadata.cost_usd]).toEqual(Array(2).fill(usd === null ? null : Number(usd)))
    }
    const [, counted, again] = made.slice(-3).map(({ record }) => after.get(record.telemetry._id)!)
    expect([counted, again].map((call) => call?.telemetry.metadata.operation)).toEqual(['chat', 'other'])
    expect(again).toMatchObject({ run: { bill: [], completion: 'The Kattegat' } })
    expectPricedBy([...after.values()], null)
    expect(JSON.parse((await cli(['verify', '--all', '--json'], env)).out)).toMatchObject({ differing: 0, checked: 10 })
  })

  it('is whole after each kill -9, and the next run goes on', async () => {
    const env = storeWith(oddlyPriced(1_700))
    const { whole } = seeded(11)
    const path = join(env.DATA_DIR, 'sightglass.sqlite')
    for (const calls of [300, 800, whole(1_000, 1_400)]) {
      // another price each time, so that there is something to change again
      await dies({ path, pricesFile: ownPrices(calls, 2), mongo: null, calls, batches: Infinity })
      const own = (await expectTrueSums(env)).filter(isOwn)
      const fresh = own.filter(({ run }) => run.bill[0]?.price === `${calls}`)
      expect(fresh.length).toBeLessThan(own.length)
      if (calls > 500) expect(fresh.length).toBeGreaterThan(0)
    }
    const PRICES_FILE = ownPrices(9, 9)
    expect(await spawnCli(['reprice'], { ...env, PRICES_FILE })).toMatchObject({ code: 0 })
    expectPricedBy(await expectTrueSums(env), PRICES_FILE)
  }, 60_000)

  it('refuses a directory without records, a file that is no database and one where a proxy works', async () => {
    expect((await cli(['reprice'], { DATA_DIR: temporary() })).notes).toContain('there are no calls to price')
    const DATA_DIR = temporary()
    writeFileSync(join(DATA_DIR, 'sightglass.sqlite'), 'no database at all, only text')
    for (const words of [['reprice'], ['reprice', '--dry-run']])
      expect(await cli(words, { DATA_DIR })).toMatchObject({
        code: 1,
        notes: expect.stringMatching(/^sightglass: .*sightglass\.sqlite cannot be (written|read): /),
      })
    const env = storeWith([aRecord()])
    const lock = lockDirectory(env.DATA_DIR)
    const { code, notes } = await cli(['reprice'], env)
    lock.release()
    expect(code).toBe(1)
    expect(notes).toContain('a proxy works in')
    expect((await cli(['reprice', '--prices-file', '/nowhere.json'], env)).notes).toContain('/nowhere.json')
  })
})

/** What the recorder makes of samples, with what each should cost by the built-in prices. */
async function recordsOf(samples: readonly (readonly [name: string, usd: string | null])[], prices: PriceBook) {
  const tokens = startTokenCounter()
  const make = recordMaker({
    ...{ instance: '01900000-0000-7000-8000-000000000001', providers: await loadProviders(), prices, tokens },
    ...{ pepper: 'pepper', bodyLimitBytes: 64 << 10, projectNames: new Map<string, string>() },
  })
  const made: { record: StoredRecord; usd: string | null }[] = []
  for (const [name, usd] of samples) {
    const exchange = exchangeOfSample(loadSample(name))
    made.push({ record: await make({ ...exchange, open: { ...exchange.open, id: newId(aMoment) } }), usd })
  }
  tokens.close()
  return made
}

/** Every row of every table. */
function everythingIn({ DATA_DIR }: { DATA_DIR: string }): unknown {
  const database = new DatabaseSync(join(DATA_DIR, 'sightglass.sqlite'), { readOnly: true })
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
  const content = Object.fromEntries(
    tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]),
  )
  database.close()
  return content
}

const isOwn = ({ telemetry: { metadata } }: RunDetail): boolean =>
  metadata.llm_model === 'our-own-model' && metadata.operation === 'chat' && (metadata.usage?.input ?? 0) > 0
