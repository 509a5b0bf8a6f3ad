import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { lockDirectory } from '../../src/stores/sqlite/lock.ts'
import { workingDirectory } from '../settings/support.ts'
import { cli, spawnCli, storeWith, temporary } from './run-cli.ts'

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'))

describe('help', () => {
  it.each([['--help'], ['-h'], ['help']])('%s names every command', async (word) => {
    const { code, out } = await cli([word])
    expect(code).toBe(0)
    for (const name of [
      'start',
      'usage',
      'runs',
      'show ID',
      'replay ID',
      'import FILE...',
      'config',
      'mongo ACTION',
      'migrate',
      'demo',
    ])
      expect(out).toContain(`\n  ${name} `)
  })

  it.each(['start', 'usage', 'runs', 'show', 'replay', 'import', 'config', 'mongo', 'migrate', 'demo'])(
    '%s --help tells its options',
    async (name) => {
      const { code, out } = await cli([name, '--help'])
      expect(code).toBe(0)
      expect(out).toMatch(new RegExp(`^Usage: sightglass ${name}`))
      expect(out).toContain('--help')
      for (const width of [Infinity, 80]) {
        const lines = (await cli([name, '--help'], {}, undefined, width)).out.split('\n')
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.min(100, width))
      }
    },
  )

  it('--version prints the version of the package', async () => {
    expect(await spawnCli(['--version'])).toMatchObject({ code: 0, out: `${version}\n` })
  })
})

describe('a command that was given wrongly ends with 2 and says what is wrong', () => {
  it.each([
    [[], 'Usage: sightglass COMMAND'],
    [['usge'], 'usge is no command; did you mean usage?'],
    [['--verbose'], '--verbose is no option here'],
    [['usage', '--form', '24h'], '--form is no option here; did you mean --from?'],
    [['usage', '--from'], '--from wants a value: --from TIME'],
    [['usage', '--from', '--json'], '--from wants a value: --from TIME (given was --json)'],
    [['usage', '--json=yes'], '--json takes no value'],
    [['usage', '--from', 'yesterday'], '--from yesterday: wants a date'],
    [['usage', '--from', '2026-11-02', '--to', '2026-11-01'], 'is not before'],
    [['usage', '--tz', 'Mars/Olympus'], '--tz Mars/Olympus: wants a time zone'],
    [['usage', '--group-by', 'project,colour'], '--group-by project,colour: wants'],
    [['usage', '--group-by', 'day,day'], 'wants different ones'],
    [['usage', '--operation', 'chat'], '--operation chat: wants one of model, all'],
    [['usage', '--limit', '0'], '--limit 0: wants a whole number from 1 to 10000'],
    [['usage', '--url', 'localhost'], '--url localhost: wants an address'],
    [['usage', 'more'], '"more" is one word too many'],
    [['usage', '--project', 'a', '--project', 'b'], '--project is given twice'],
    [['runs', '--outcome', 'fine'], '--outcome fine: wants one of ok,'],
    [['runs', '--status', '200'], 'for one HTTP status: --status-code'],
    [['show'], 'ID is missing'],
    [['import'], 'FILE... is missing'],
    [['show', 'abc'], 'abc: is no id'],
    [['show', '019f5c1e', '--raw', 'both'], '--raw both: wants request or response'],
    [['show', '019f5c1e', '--format', 'xml'], '--format xml: wants'],
    [['show', '019f5c1e', '--format', 'otel', '--raw', 'request'], 'one of them at a time'],
    [['verify'], 'verify wants an ID or --all'],
    [['reprice', '--model'], '--model wants a value'],
  ])('%j', async (words, message) => {
    const { code, out, notes } = await cli(words, storeWith([]))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(notes).toContain(message)
  })
})

it('is called wrongly, fails and succeeds with 2, 1 and 0, the answer alone on standard output', async () => {
  const wrong = await spawnCli(['usage', '--form', '24h'])
  expect(wrong).toMatchObject({ code: 2, out: '' })
  expect(wrong.notes).toContain('did you mean --from?')
  expect(await spawnCli(['config'], { PORT: 'x' })).toMatchObject({ code: 1, out: '' })
  const good = await spawnCli(['config', '--json'], { PORT: '1' })
  expect({ code: good.code, notes: good.notes }).toEqual({ code: 0, notes: '' })
  expect(JSON.parse(good.out).settings.port).toEqual({ value: '1', from: 'PORT' })
})

describe('mongo setup', () => {
  it('prints what a shell needs, with the settings that hold, and nothing secret', async () => {
    const env = { MONGO_URI: 'mongodb://user:hunter22@db.example/', DB_NAME: 'calls', TELEMETRY_DAYS: '7' }
    const { code, out } = await cli(['mongo', 'setup'], env)
    expect(code).toBe(0)
    expect(out).toMatch(/^db = db\.getSiblingDB\("calls"\)\n/)
    expect(out).toContain(
      'db.getCollection("telemetry").createIndex({"timestamp":1}, {"name":"timestamp_1","expireAfterSeconds":604800})',
    )
    expect(out).not.toContain('hunter22')
  })

  it('knows no other action', async () => {
    expect(await cli(['mongo', 'drop'])).toMatchObject({ code: 2, out: '' })
  })
})

describe('config', () => {
  it('prints what holds and where it came from', async () => {
    const cwd = workingDirectory({
      'config/sightglass.yaml': '# mine\nport: 9000\nupstreams: {vllm-b: {provider: vllm, url: "http://x"}}',
    })
    const { code, out } = await cli(['config', '--log-level', 'warn'], { DRAIN_DELAY: '1s' }, cwd)
    expect(code).toBe(0)
    expect(out).toMatch(/^port +9000 +line 2$/m)
    expect(out).toMatch(/^Settings file: config\/sightglass\.yaml$/m)
    expect(out).toMatch(/^log\.level +warn +--log-level$/m)
    expect(out).toMatch(/^drain_delay +1s +DRAIN_DELAY$/m)
    expect(out).toMatch(/^host +127\.0\.0\.1 +default$/m)
    expect(out).toMatch(/^upstreams\.vllm-b +provider vllm, url http:\/\/x +line 3$/m)
  })

  it.each([[[]], [['--json']]])('shows no secret, with %j', async (words) => {
    const env = { ADMIN_TOKEN: 'canary-admin-token', PEPPER: 'canary-pepper', HTTPS_PROXY: 'http://me:canary@proxy:1' }
    const { code, out } = await cli(['config', ...words], env)
    expect(code).toBe(0)
    expect(out).not.toContain('canary')
    expect(out).toContain('***')
    expect(out).toContain('ADMIN_TOKEN')
  })

  it('gives JSON to programs', async () => {
    const { out } = await cli(['config', '--json', '--port', '0'])
    expect(JSON.parse(out).settings.port).toEqual({ value: '0', from: '--port' })
  })

  it('lists every wrong setting and ends with 1', async () => {
    const { code, out, notes } = await cli(['config', '--port', 'x'], { DRAIN_LIMIT: 'soon', HOST: '0.0.0.0' })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(notes).toContain('3 settings are wrong')
    expect(notes).toContain('port = "x" (--port)')
    expect(notes).toContain('drain_limit = "soon" (DRAIN_LIMIT)')
    expect(notes).toContain('host = "0.0.0.0" (HOST)')
  })
})

describe('start', () => {
  it('lists every wrong setting and ends with 1', async () => {
    const { code, notes } = await spawnCli(['start', '--port', 'x'], { LOG_LEVEL: 'loud', DATA_DIR: temporary() })
    expect(code).toBe(1)
    expect(notes).toContain('2 settings are wrong')
  })

  it('says that another process works in the data directory', async () => {
    const DATA_DIR = temporary()
    const lock = lockDirectory(DATA_DIR)
    onTestFinished(() => lock.release())
    const { code, notes } = await spawnCli(['start', '--port', '0'], { DATA_DIR })
    expect(code).toBe(1)
    expect(notes).toContain(DATA_DIR)
    expect(notes).not.toContain('    at ')
  })

  it('says that the data directory cannot be made', async () => {
    const cwd = workingDirectory({ 'a-file': '' })
    const { code, notes } = await spawnCli(['start', '--port', '0', '--data-dir', 'a-file/data'], {}, cwd)
    expect(code).toBe(1)
    expect(notes).toContain(join(cwd, 'a-file/data'))
  })

  it('says that the port is in use, and how to choose another', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { code, notes } = await spawnCli(['start', '--port', String(port)], { DATA_DIR: temporary() })
    expect(code).toBe(1)
    expect(notes).toContain(`port ${port} on 127.0.0.1 is in use`)
    expect(notes).toContain(`--port ${port + 1}`)
    expect(notes).not.toContain('    at ')
  })
})
