import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { openMongoStore } from '../../src/stores/mongodb/index.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { openStore } from '../../src/stores/sqlite/query.ts'
import type { Store } from '../../src/stores/store.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { aRecord } from '../support/records.ts'
import { emptyBatch } from '../support/sqlite-store.ts'
import { allRuns, dies, expectPricedBy, expectSumsOfRecords, oddlyPriced, ownPrices } from './priced-calls.ts'
import { cli, storeWith } from './run-cli.ts'

await suiteWithMongo('sightglass reprice with MongoDB', (server) => {
  const address = (env: Env) => ({ uri: env.MONGO_URI, database: env.DB_NAME })

  /** A data directory whose records were delivered, as `instance` made them. */
  async function delivered(count: number): Promise<Env> {
    const env = { ...storeWith([]), MONGO_URI: server.uri, DB_NAME: server.database(), RETENTION_DAYS: '0' }
    add(env, count, 3)
    expect(await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], env)).toMatchObject({ code: 0 })
    return env
  }

  async function inMongo<T>(env: Env, look: (store: Store) => Promise<T>): Promise<T> {
    const store = openMongoStore(address(env))
    try {
      return await look(store)
    } finally {
      await store.close()
    }
  }

  const expectSums = (env: Env) =>
    inMongo(env, async (store) => {
      const runs = await allRuns(store)
      await expectSumsOfRecords(store, runs)
      const local = openStore(join(env.DATA_DIR, 'sightglass.sqlite'))
      const query = { groupBy: ['project', 'model', 'key', 'day'] } as const
      const rows = async (from: Store) =>
        new Map((await from.usage(null, query)).groups.map((row) => [JSON.stringify(row.group), row]))
      expect(await rows(local)).toEqual(await rows(store))
      await local.close()
      return runs
    })

  it('prices the records there, and what both stores add up is the sum over them', async () => {
    const env = await delivered(40)
    forget(env)
    const PRICES_FILE = ownPrices(5)
    const trial = JSON.parse((await cli(['reprice', '--dry-run', '--json'], { ...env, PRICES_FILE })).out)
    const { code, out } = await cli(['reprice', '--json'], { ...env, PRICES_FILE })
    expect(code).toBe(0)
    const { totals, totals_sent, elsewhere } = JSON.parse(out)
    expect([totals.calls, elsewhere]).toEqual([trial.totals.calls, 0])
    expect(totals).toEqual(trial.totals)
    expect(totals_sent).toBeGreaterThan(20)
    expectPricedBy(await expectSums(env), PRICES_FILE)
    const again = JSON.parse((await cli(['reprice', '--json'], { ...env, PRICES_FILE })).out)
    expect(again).toMatchObject({ totals: { changed: 0 }, totals_sent: 0 })
  }, 60_000)

  it('prices what is delivered, what is still here as well and what is to be delivered, each once', async () => {
    const env = await delivered(20)
    forget(env, 10)
    add(env, 10, 9)
    const PRICES_FILE = ownPrices(5)
    const { out } = await cli(['reprice', '--json'], { ...env, PRICES_FILE })
    const calls = JSON.parse(out).totals.calls
    expect(await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], env)).toMatchObject({ code: 0 })
    const runs = await expectSums(env)
    expect(runs).toHaveLength(30)
    expect(calls).toBe(runs.filter(({ telemetry }) => telemetry.metadata.operation === 'chat').length)
    expectPricedBy(runs, PRICES_FILE)
  }, 60_000)

  it('leaves the calls of other machines to them', async () => {
    const env = await delivered(20)
    forget(env)
    const other = aRecord({ instance: 'another', metadata: { cost_picodollars: '77', llm_model: 'gpt-4o' } })
    const elsewhere = { ...(await deliveredOne(other)), DB_NAME: env.DB_NAME }
    expect(await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], elsewhere)).toMatchObject({ code: 0 })
    expect(await cli(['reprice'], env)).toMatchObject({ code: 0 })
    const kept = await inMongo(env, (store) => store.run(null, other.telemetry._id))
    expect(kept?.telemetry.metadata.cost_picodollars).toBe('77')
    await inMongo(env, async (store) => expectSumsOfRecords(store, await allRuns(store)))
  }, 60_000)

  it('goes on after a kill -9 between the two stores, also where this one has nothing of the calls but their sums', async () => {
    const env = await delivered(30)
    forget(env)
    changed(env, 'DELETE FROM telemetry')
    const path = join(env.DATA_DIR, 'sightglass.sqlite')
    const dying = { path, pricesFile: ownPrices(5), mongo: address(env), calls: Infinity }
    await dies({ ...dying, batches: 1 })
    await dies({ ...dying, batches: 2 })
    const before = await inMongo(env, allRuns)
    expect(before.some(({ run }) => run.bill.length > 0) && before.some(({ run }) => run.bill.length === 0)).toBe(true)
    expect(await cli(['reprice'], { ...env, PRICES_FILE: dying.pricesFile })).toMatchObject({ code: 0 })
    const runs = await inMongo(env, async (store) => {
      const all = await allRuns(store)
      await expectSumsOfRecords(store, all)
      return all
    })
    expectPricedBy(runs, dying.pricesFile)
  }, 60_000)

  it.runIf(server.restartable)(
    'changes nothing while MongoDB is away, and says so',
    async () => {
      const env = await delivered(30)
      const content = sumsIn(env)
      await server.kill()
      const away = await cli(['reprice'], env)
      await server.start()
      expect(away).toMatchObject({ code: 1, out: '' })
      expect(away.notes).toMatch(/MongoDB did not take all of it: .*\nRun it again to go on where it ended\.\n$/)
      expect(sumsIn(env)).toEqual(content)
    },
    60_000,
  )

  async function deliveredOne(record: ReturnType<typeof aRecord>): Promise<Env> {
    return { ...storeWith([record]), MONGO_URI: server.uri, DB_NAME: '', RETENTION_DAYS: '0' }
  }
})

type Env = { DATA_DIR: string; PORT: string; MONGO_URI: string; DB_NAME: string; RETENTION_DAYS: string }

/** Stores calls as the recorder of that data directory does. */
function add({ DATA_DIR }: Env, count: number, seed: number): void {
  const local = openLocalStore(join(DATA_DIR, 'sightglass.sqlite'))
  const records = oddlyPriced(count, { seed, hours: 3 }).map((record) => ({
    ...record,
    telemetry: { ...record.telemetry, instance: local.instance },
  }))
  local.commit({ ...emptyBatch, records })
  local.close()
}

function changed({ DATA_DIR }: Env, sql: string): void {
  const database = new DatabaseSync(join(DATA_DIR, 'sightglass.sqlite'))
  database.exec(sql)
  database.close()
}

/** What was delivered goes from the embedded database after a while. */
const forget = (env: Env, upTo = 1_000_000): void => changed(env, `DELETE FROM documents WHERE seq <= ${upTo}`)

function sumsIn({ DATA_DIR }: Env): unknown {
  const database = new DatabaseSync(join(DATA_DIR, 'sightglass.sqlite'))
  const found = ['rollups', 'totals', 'documents', 'meta'].map((name) =>
    database.prepare(`SELECT * FROM ${name}`).all(),
  )
  database.close()
  return found
}
