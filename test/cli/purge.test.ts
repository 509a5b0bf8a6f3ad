import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { openCsvFallback } from '../../src/exporters/csv/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { lockDirectory } from '../../src/stores/sqlite/lock.ts'
import { openOutbox } from '../../src/stores/sqlite/outbox.ts'
import { openStore } from '../../src/stores/sqlite/query.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { startProxy } from '../support/proxy.ts'
import { aMoment, aRecord, type RecordOverrides } from '../support/records.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { eventually } from '../support/within.ts'
import { cli, spawnCli, storeWith, temporary } from './run-cli.ts'

const by = (user: string, project = 'acme', overrides: RecordOverrides = {}): StoredRecord =>
  aRecord({
    ...overrides,
    metadata: { user_id: user, soeid: user, client_id: project, project_id: project },
    run: { soeid: user, ...overrides.run },
  })
const four = () => [by('ada'), by('bob'), by('ada', 'beta'), by('eve', 'beta', { atMs: aMoment - 86_400_000 })]
const usersIn = async (dataDir: string): Promise<(string | null)[]> => {
  const store = openStore(join(dataDir, 'sightglass.sqlite'))
  const { items } = await store.runs(null, { limit: 100 })
  await store.close()
  return items.map(({ telemetry }) => telemetry.metadata.user_id).sort()
}
/** Days are kept for ever: the moments of the records are long ago. */
const kept = { RETENTION_DAYS: '0', TZ: 'UTC' }

/** The command line at a terminal where somebody answers. */
async function atTerminal(words: readonly string[], env: Readonly<Record<string, string>>, answer: string) {
  const said = { out: '', notes: '', questions: [] as string[] }
  const code = await runCommandLine(words, {
    out: (text) => {
      said.out += text
    },
    note: (text) => {
      said.notes += text
    },
    ask: async (question) => {
      said.questions.push(question)
      return answer
    },
    env,
    cwd: temporary(),
    width: Infinity,
  })
  return { ...said, code }
}

describe('sightglass purge in a data directory', () => {
  it.each([
    [
      ['--user', 'ada'],
      ['bob', 'eve'],
    ],
    [
      ['--project', 'BETA'],
      ['ada', 'bob'],
    ],
    [
      ['--before', '2026-11-20'],
      ['ada', 'ada', 'bob'],
    ],
    [
      ['--user', 'ada', '-p', 'beta'],
      ['ada', 'bob', 'eve'],
    ],
    [
      ['--project', 'beta', '--before', '2026-11-20T00:00:00Z'],
      ['ada', 'ada', 'bob'],
    ],
    [
      ['--user', 'nobody'],
      ['ada', 'ada', 'bob', 'eve'],
    ],
  ])('%j leaves %j', async (named, left) => {
    const env = storeWith(four())
    expect(await cli(['purge', ...named, '--yes', '--tz', 'UTC'], { ...env, ...kept })).toMatchObject({ code: 0 })
    expect(await usersIn(env.DATA_DIR)).toEqual(left)
  })

  it('says what went, in words and as JSON', async () => {
    const env = { ...storeWith(four()), ...kept }
    const { out, notes } = await cli(['purge', '--user', 'ada', '--yes', '--tz', 'UTC'], env)
    expect(out.split('\n')).toEqual([
      expect.stringMatching(
        /^Purge 1: calls of user ada, that began before \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/,
      ),
      '  Embedded database  2 records, 2 of them with bodies, 2 rows of sums',
      '',
    ])
    expect(notes).toBe('')
    const json = JSON.parse((await cli(['purge', '--user', 'bob', '--yes', '--json'], env)).out)
    expect(json).toMatchObject({
      number: 2,
      user: 'bob',
      state: 'done',
      parts: [{ name: 'embedded', state: 'done', counts: { records: 1, bodies: 1, rollups: 1 } }],
    })
  })

  it('with --dry-run counts the same, deletes nothing, and leaves no trace', async () => {
    const env = { ...storeWith(four()), ...kept }
    const { code, out } = await cli(['purge', '--user', 'ada', '--dry-run'], env)
    expect(code).toBe(0)
    expect(out).toContain('Without --dry-run these would go: calls of user ada')
    expect(out).toContain('  Embedded database  2 records, 2 of them with bodies, 2 rows of sums\n')
    expect(await usersIn(env.DATA_DIR)).toHaveLength(4)
    const store = openStore(join(env.DATA_DIR, 'sightglass.sqlite'))
    expect(await store.purge(1)).toBeNull()
    await store.close()
  })

  it('asks at a terminal, with what would go, and takes nothing but yes for a yes', async () => {
    const env = { ...storeWith(four()), ...kept }
    const no = await atTerminal(['purge', '--user', 'ada'], env, 'y')
    expect(no).toMatchObject({
      code: 1,
      out: '',
      questions: ['Delete all calls of user ada? This cannot be undone. Type yes: '],
    })
    expect(no.notes).toContain('2 records')
    expect(no.notes).toContain('Nothing was deleted.')
    expect(await usersIn(env.DATA_DIR)).toHaveLength(4)
    const yes = await atTerminal(['purge', '--user', 'ada'], env, 'yes')
    expect(yes.code).toBe(0)
    expect(yes.out).toContain('Purge 3: ')
    expect(await usersIn(env.DATA_DIR)).toEqual(['bob', 'eve'])
  })

  it('takes rows out of the CSV files of the fallback, and says so', async () => {
    const env = { ...storeWith(four()), ...kept }
    const directory = csvOf(env.DATA_DIR, four())
    const { out } = await cli(['purge', '--user', 'ada', '--yes'], env)
    expect(out).toContain('  CSV files          2 rows\n')
    const text = readdirSync(directory)
      .map((name) => readFileSync(join(directory, name), 'utf8'))
      .join('')
    expect(text).not.toContain('ada')
    expect(text).toContain('bob')
    await cli(['purge', '--before', 'now', '--yes'], env)
    expect(readdirSync(directory)).toEqual([])
  })

  it('gives the disk back what it took', async () => {
    const bytes = Buffer.alloc(300_000, 'x')
    const env = { ...storeWith(Array.from({ length: 20 }, () => by('ada', 'acme', { responseBytes: bytes }))), ...kept }
    const path = join(env.DATA_DIR, 'sightglass.sqlite')
    const before = statSync(path).size
    await cli(['purge', '--user', 'ada', '--yes'], env)
    expect(before).toBeGreaterThan(6_000_000)
    expect(statSync(path).size).toBeLessThan(500_000)
    expect(existsSync(`${path}-wal`) ? statSync(`${path}-wal`).size : 0).toBe(0)
  })
})

/** Files as the fallback has written them for this data directory. */
function csvOf(dataDir: string, records: readonly StoredRecord[]): string {
  const path = join(dataDir, 'sightglass.sqlite')
  const outbox = openOutbox({ path, sinks: [], clock: systemClock })
  const directory = join(dataDir, 'telemetry_logs')
  openCsvFallback({
    directory,
    kept: outbox.kept('csv_fallback'),
    past: outbox.kept('csv_fallback_past'),
  }).append(records.map((record, at) => ({ place: at + 1, record })))
  outbox.close()
  return directory
}

describe('sightglass purge refuses', () => {
  it.each([
    [[], 2, 'say what to delete: --user, --project or --before'],
    [['--yes'], 2, 'say what to delete'],
    [['--user', 'ada'], 2, 'nobody is at a terminal to confirm: add --yes, or --dry-run'],
    [['--before', 'yesterday', '--yes'], 2, '--before yesterday: wants a date'],
    [['--before', '2999-01-01', '--yes'], 2, '--before 2999-01-01: is in the future'],
    [['--user', '', '--yes'], 2, '--user wants a value'],
  ])('%j, and deletes nothing', async (words, code, message) => {
    const env = storeWith(four())
    const ran = await cli(['purge', ...words], env)
    expect([ran.code, ran.out]).toEqual([code, ''])
    expect(ran.notes).toContain(message)
    expect(await usersIn(env.DATA_DIR)).toHaveLength(4)
  })

  it('in a directory of a proxy that listens elsewhere', async () => {
    const env = storeWith(four())
    const lock = lockDirectory(env.DATA_DIR)
    const { code, notes } = await cli(['purge', '--user', 'ada', '--yes'], env)
    lock.release()
    expect(code).toBe(1)
    expect(notes).toContain('listens on another address: name it with --url')
  })

  it('where there are no records', async () => {
    const { code, notes } = await cli(['purge', '--user', 'ada', '--yes'], { DATA_DIR: temporary(), PORT: '0' })
    expect([code, notes]).toEqual([1, expect.stringContaining('there are no records to delete')])
  })

  it('the token of a key', async () => {
    await using proxy = await startProxy()
    const { code, notes } = await cli(['purge', '--url', proxy.url, '--token', 'sk-1', '--user', 'ada', '--yes'])
    expect([code, notes]).toEqual([1, expect.stringContaining('Give the admin token')])
  })
})

it('sightglass purge has a running proxy do it', async () => {
  const { DATA_DIR } = storeWith(four())
  csvOf(DATA_DIR, four()) // of a MongoDB that the settings named once
  await using proxy = await startProxy({ dataDir: DATA_DIR, telemetryDays: 0, llmRunsDays: 0 })
  const words = ['purge', '--url', proxy.url, '--token', proxy.adminToken, '--user', 'ada']
  const dry = JSON.parse((await cli([...words, '--dry-run', '--json'])).out)
  expect(dry).toMatchObject({ dry_run: true, state: 'done' })
  const { code, out } = await spawnCli([...words, '--yes'])
  expect(code).toBe(0)
  expect(out).toContain('  Embedded database  2 records, 2 of them with bodies, 2 rows of sums\n')
  expect(out).toContain('  CSV files          2 rows\n')
  expect(await usersIn(DATA_DIR)).toEqual(['bob', 'eve'])
}, 30_000)

vi.setConfig({ testTimeout: 60_000 }) // FerretDB is slow on a busy machine

await suiteWithMongo('sightglass purge', (server) => {
  const client = new MongoClient(server.uri)
  afterAll(() => client.close())
  const into = (database: string) => ({ ...kept, MONGO_URI: server.uri, DB_NAME: database })
  const inMongo = async (database: string) =>
    (await client.db(database).collection('telemetry').find().toArray()).map(({ metadata }) => metadata.user_id).sort()

  it('deletes from MongoDB too, without a proxy', async () => {
    const database = server.database()
    const env = { ...storeWith(four()), ...into(database) }
    await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], env)
    expect((await cli(['purge', '--user', 'ada', '--dry-run'], env)).out).toContain(
      '  MongoDB            2 calls (telemetry), 2 runs (llm_runs), 2 rows of sums\n',
    )
    expect((await cli(['purge', '--user', 'ada', '--yes'], env)).out).toContain(
      '  MongoDB            2 calls (telemetry), 2 runs (llm_runs), 2 rows of sums\n',
    )
    expect(await inMongo(database)).toEqual(['bob', 'eve'])
  })

  it.runIf(server.restartable)(
    'says what waits while MongoDB is away; the proxy does it at its next start, and migrate before it sends anything',
    async () => {
      const [one, other] = [server.database(), server.database()]
      const first = { ...storeWith(four()), ...into(one) }
      const second = { ...storeWith(four()), ...into(other) }
      for (const env of [first, second]) await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], env)
      await server.kill()
      for (const env of [first, second]) {
        const { code, out } = await cli(['purge', '--user', 'ada', '--yes'], env)
        expect(code).toBe(0)
        expect(out).toMatch(/ {2}MongoDB +nothing\n +waits: .*; it goes when that is over, also after a restart\n/)
        expect(await usersIn(env.DATA_DIR)).toEqual(['bob', 'eve'])
      }
      await server.start()
      expect(await inMongo(one)).toHaveLength(4)
      await using proxy = await spawnProxy({ dataDir: first.DATA_DIR, env: into(one) })
      await eventually('the proxy to do it', async () => (await inMongo(one)).length === 2, 20_000)
      expect(await inMongo(one)).toEqual(['bob', 'eve'])
      expect((await fetch(`${proxy.url}/purge`)).status).toBe(401)
      await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], second)
      expect(await inMongo(other)).toEqual(['bob', 'eve'])
    },
    120_000,
  )

  it('in a directory whose settings no longer name the MongoDB says so', async () => {
    const database = server.database()
    const env = storeWith(four())
    await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], { ...env, ...into(database) })
    const { code, out } = await cli(['purge', '--user', 'ada', '--yes'], { ...env, ...kept })
    expect(code).toBe(0)
    expect(out).toContain('waits: the settings name no MongoDB any more')
  })
})
