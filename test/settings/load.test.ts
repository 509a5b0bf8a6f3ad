import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fields, type Row, table } from '../../src/settings/table.ts'
import { load, problemsOf, workingDirectory } from './support.ts'

describe('where a setting comes from', () => {
  it('takes the default without anything else', () => {
    const { settings, provenance, configFile } = load()
    expect(settings).toMatchObject({ host: '127.0.0.1', port: 8484, auth: null, drainDelayMs: 5_000, captureRules: [] })
    expect(settings.upstreamDefaults).toMatchObject({ headerWaitMs: 610_000, idleMs: 600_000, onDisconnect: 'cancel' })
    expect(settings.bodyLimitBytes).toBe(1_048_576)
    expect(new Set(provenance.values())).toEqual(new Set(['default']))
    expect(configFile).toBeNull()
  })

  it('prefers the flag to the environment, that to the file, that to the default', () => {
    const yaml = 'port: 1111\n'
    const env = { PORT: '2222' }
    const flags = { port: '3333' }
    const found = [load({ yaml }), load({ yaml, env }), load({ yaml, env, flags })]
    expect(found.map(({ settings }) => settings.port)).toEqual([1111, 2222, 3333])
    expect(found.map(({ provenance }) => provenance.get('port'))).toEqual([
      'config/sightglass.yaml:1',
      'PORT',
      '--port',
    ])
  })

  it('reads the file that --config names before the one of SIGHTGLASS_CONFIG before the usual one', () => {
    const cwd = workingDirectory({ 'a.yaml': 'port: 1', 'b.yaml': 'port: 2', 'config/sightglass.yaml': 'port: 3' })
    const env = { SIGHTGLASS_CONFIG: 'b.yaml' }
    expect(load({ cwd }).settings.port).toBe(3)
    expect(load({ cwd, env }).settings.port).toBe(2)
    expect(load({ cwd, env, flags: { config: 'a.yaml' } }).settings.port).toBe(1)
  })

  it('refuses a named file that is not there', () => {
    expect(problemsOf({ flags: { config: 'gone.yaml' } })).toEqual([
      'config = "gone.yaml" (--config): wants a file that can be read (ENOENT)',
    ])
  })

  it.each(fields)('has a default for %s that its own parser reads, or none', (field) => {
    const { fallback, parse } = table[field]
    if (fallback !== null) expect(parse.read(fallback)).not.toBeUndefined()
  })

  it.each(fields)('prints %s as one would write it', (field) => {
    const { fallback, parse }: Row<unknown> = table[field]
    if (fallback === null) return
    const value = parse.read(fallback)!
    expect(parse.read(parse.show(value))).toEqual(value)
  })

  it('counts an empty variable and a null in the file as not set', () => {
    const { settings, provenance } = load({
      env: { PORT: '', ADMIN_TOKEN: '' },
      yaml: 'host: null\nlog:\ncapture: ~\n',
    })
    expect(settings).toMatchObject({ port: 8484, adminToken: null, host: '127.0.0.1', logLevel: 'info' })
    expect(provenance.get('host')).toBe('default')
  })

  it('never takes the variables of clients for its own', () => {
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:8484/v1', OLLAMA_HOST: '0.0.0.0', ANTHROPIC_BASE_URL: 'http://x' }
    expect(load({ env }).settings).toEqual({ ...load().settings, dataDir: expect.any(String) })
  })

  it('takes relative paths from the working directory', () => {
    const cwd = workingDirectory({ 'ca.pem': 'x' })
    const { settings } = load({ cwd, env: { DATA_DIR: 'my-data', CA_FILE: 'ca.pem' } })
    expect(settings).toMatchObject({ dataDir: join(cwd, 'my-data'), caFile: join(cwd, 'ca.pem') })
  })

  it('is frozen to the last part', () => {
    const { settings } = load({ yaml: 'upstreams: {vllm-b: {provider: vllm, url: "http://x"}}' })
    expect(Object.isFrozen(settings)).toBe(true)
    expect(Object.isFrozen(settings.upstreams['vllm-b'])).toBe(true)
    expect(Object.isFrozen(settings.upstreamDefaults)).toBe(true)
  })
})

describe('forms of values', () => {
  it.each([
    ['5s', 5_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1.5s', 1_500],
    ['0', 0],
  ])('reads the duration %s', (text, ms) => {
    expect(load({ env: { DRAIN_DELAY: text } }).settings.drainDelayMs).toBe(ms)
  })

  it.each(['5', 'soon', '-1s', '5 parsecs', '99d', '1.0001ms'])('refuses the duration %s', (text) => {
    expect(problemsOf({ env: { DRAIN_DELAY: text } })[0]).toContain(
      `drain_delay = "${text}" (DRAIN_DELAY): wants a duration`,
    )
  })

  it('reads plain milliseconds where the name ends in _MS', () => {
    expect(load({ env: { HEADER_WAIT_MS: '1500' } }).settings.upstreamDefaults.headerWaitMs).toBe(1_500)
    expect(load({ env: { HEADER_WAIT_MS: '2s' } }).settings.upstreamDefaults.headerWaitMs).toBe(2_000)
    expect(problemsOf({ env: { HEADER_WAIT_MS: 'soon' } })[0]).toContain('"soon" (HEADER_WAIT_MS): wants a duration')
  })

  it.each([
    ['1MiB', 1_048_576],
    ['10MB', 10_000_000],
    ['65536', 65_536],
    ['1.5 KiB', 1_536],
  ])('reads the size %s', (text, bytes) => {
    expect(load({ env: { BODY_LIMIT: text } }).settings.bodyLimitBytes).toBe(bytes)
  })

  it('reads networks from a list in the file and from words in the environment', () => {
    const wanted = ['10.0.0.0/8', 'fd00::/8', '127.0.0.1']
    expect(load({ yaml: 'trusted_proxies: [10.0.0.0/8, "fd00::/8", 127.0.0.1]' }).settings.trustedProxies).toEqual(
      wanted,
    )
    expect(load({ env: { TRUSTED_PROXIES: wanted.join(', ') } }).settings.trustedProxies).toEqual(wanted)
  })

  it.each(['10.0.0.0/33', 'fd00::/129', '10.0.0/8', 'proxy.example', '10.0.0.0/8/8', '::1%eth0'])(
    'refuses the network %s',
    (text) => {
      expect(problemsOf({ env: { TRUSTED_PROXIES: text } })[0]).toContain('wants IP addresses or networks')
    },
  )

  it('reads the proxies of the environment in capitals and in small letters', () => {
    const { settings } = load({
      env: { https_proxy: 'http://one:3128', HTTP_PROXY: 'http://two:3128', no_proxy: '*.local' },
    })
    expect(settings).toMatchObject({
      httpsProxy: 'http://one:3128/',
      httpProxy: 'http://two:3128/',
      noProxy: '*.local',
    })
  })

  it('reads camelCase names of the file as the same settings', () => {
    expect(load({ yaml: 'upstreamDefaults:\n  onDisconnect: drain' }).settings.upstreamDefaults.onDisconnect).toBe(
      'drain',
    )
  })

  it('takes one word for both directions of capture, each of which may still say otherwise', () => {
    expect(load({ yaml: 'capture: off' }).settings).toMatchObject({ captureRequest: 'off', captureResponse: 'off' })
    const env = { CAPTURE: 'metadata', CAPTURE_RESPONSE: 'off' }
    expect(load({ env }).settings).toMatchObject({ captureRequest: 'metadata', captureResponse: 'off' })
  })

  it('takes DEBUG for a log level, unless one is named or other programs are meant', () => {
    expect(load({ env: { DEBUG: 'true' } }).settings.logLevel).toBe('debug')
    expect(load({ env: { DEBUG: 'false' } }).settings.logLevel).toBe('info')
    expect(load({ env: { DEBUG: 'express:*' } }).settings.logLevel).toBe('info')
    expect(load({ env: { DEBUG: '1', LOG_LEVEL: 'warn' } }).settings.logLevel).toBe('warn')
  })
})

describe('secrets', () => {
  it('are read from a file that a variable or the settings file names, without the line end', () => {
    const files = { 'secrets/token': 'the-admin-token\n', pepper: 'the-pepper-of-all\n' }
    const { settings, provenance } = load({
      files,
      env: { ADMIN_TOKEN_FILE: 'secrets/token' },
      yaml: 'pepper_file: pepper',
    })
    expect(settings).toMatchObject({ adminToken: 'the-admin-token', pepper: 'the-pepper-of-all' })
    expect(provenance.get('admin_token')).toBe('ADMIN_TOKEN_FILE=secrets/token')
  })

  it('are refused when given in two ways, or when their file cannot be read', () => {
    const both = { ADMIN_TOKEN: 'one-admin-token', ADMIN_TOKEN_FILE: 'token' }
    expect(problemsOf({ env: both, files: { token: 'one-admin-token' } })).toEqual([
      'admin_token (ADMIN_TOKEN and ADMIN_TOKEN_FILE): set one of the two',
    ])
    expect(problemsOf({ env: { PEPPER_FILE: 'gone' } })).toEqual([
      'pepper = "gone" (PEPPER_FILE): wants a file that can be read (ENOENT)',
    ])
  })

  it('are not looked for in what is no path', () => {
    expect(problemsOf({ yaml: 'pepper_file: [a]' })).toEqual([
      'pepper_file (config/sightglass.yaml:1): wants the path of a file',
    ])
  })

  it('stand in no message', () => {
    const [problem] = problemsOf({ env: { ADMIN_TOKEN: 'canary with spaces' } })
    expect(problem).toContain('admin_token = "***" (ADMIN_TOKEN): wants')
    const [proxy] = problemsOf({ env: { HTTPS_PROXY: 'http://me:canary@proxy/path' } })
    expect(proxy).not.toContain('canary')
  })
})

describe('the address of MongoDB', () => {
  const uri = 'mongodb+srv://ada:p%40ss@cluster.example.com/?retryWrites=true&appName=Team%20A'

  it.each(['MONGO_URI', 'MONGODB_URI', 'MONGO_URL'])('is read from %s and from a file, unchanged', (name) => {
    expect(load({ env: { [name]: uri } }).settings.mongoUri).toBe(uri)
    const inFile = { files: { uri: `${uri}\n` }, env: { [`${name}_FILE`]: 'uri' } }
    expect(load(inFile).settings.mongoUri).toBe(uri)
    expect(load({ files: { uri }, yaml: 'mongo: {uri_file: uri}' }).settings.mongoUri).toBe(uri)
  })

  it('is not needed', () => {
    expect(load().settings).toMatchObject({ mongoUri: null, mongoDatabase: 'sightglass' })
  })

  it.each(['localhost:27017', 'http://127.0.0.1:27017', 'mongodb://', 'mongodb:///x', 'mongodb://a b'])(
    'is refused as %s, by its name and without showing it',
    (wrong) => {
      expect(problemsOf({ env: { MONGODB_URI: wrong } })[0]).toMatch(
        /^mongo\.uri = "\*\*\*" \(MONGODB_URI\): wants an address such as mongodb:/,
      )
    },
  )

  it('comes with the name of a database that MongoDB takes', () => {
    expect(load({ env: { DB_NAME: 'team_a-2' } }).settings.mongoDatabase).toBe('team_a-2')
    for (const wrong of ['a.b', 'a b', '$a', 'a/b', 'x'.repeat(64), 'é'.repeat(32)])
      expect(problemsOf({ env: { DB_NAME: wrong } })[0]).toContain(' (DB_NAME): wants the name of a database')
  })

  it('comes with days to keep documents, for all collections or for one', () => {
    expect(load({ env: { RETENTION_DAYS: '7', LLM_RUNS_DAYS: '0' } }).settings).toMatchObject({
      telemetryDays: 7,
      llmRunsDays: 0,
      connectionLogsDays: 7,
      metricsDays: 7,
    })
    expect(load({ yaml: 'retention: {telemetry_days: 90}' }).settings).toMatchObject({
      telemetryDays: 90,
      llmRunsDays: 30,
    })
    expect(problemsOf({ env: { METRICS_DAYS: '-1' } })[0]).toContain('retention.metrics_days = "-1" (METRICS_DAYS)')
  })
})

it('the directory of the CSV fallback is taken from where the program was started', () => {
  expect(load({}).settings.csvFallbackDir).toBeNull()
  const { settings } = load({ env: { CSV_FALLBACK_DIR: 'logs' } })
  expect(settings.csvFallbackDir).toBe(join(dirname(settings.dataDir), 'logs'))
})

describe('what is wrong', () => {
  it('is listed all together, with the setting, the value, its place and what is wanted', () => {
    const yaml = 'prot: 1\ncapture:\n  request: ful\nlog: 4\n'
    const env = { PORT: 'eighty', DRAIN_LIMIT: '5' }
    expect(problemsOf({ yaml, env, flags: { 'log-level': 'loud' } })).toEqual([
      'prot (config/sightglass.yaml:1): no such setting; did you mean port?',
      'log (config/sightglass.yaml:4): wants settings of its own: level, format',
      'port = "eighty" (PORT): wants a whole number from 0 to 65535',
      'capture.request = "ful" (config/sightglass.yaml:3): wants one of full, metadata, off',
      'drain_limit = "5" (DRAIN_LIMIT): wants a duration such as 5s, 500ms, 2m or 1h, at most 24d',
      'log.level = "loud" (--log-level): wants one of debug, info, warn, error',
    ])
  })

  it('includes a value that another source overrides', () => {
    expect(problemsOf({ yaml: 'port: eighty', env: { PORT: '80' } })).toHaveLength(1)
  })

  it('names file and line of what is no YAML', () => {
    expect(problemsOf({ yaml: 'port: 80\nlog: [info\n' })[0]).toMatch(
      /^settings file \(config\/sightglass\.yaml:[23]\): /,
    )
    expect(problemsOf({ yaml: '- port: 80\n' })[0]).toMatch(
      /^settings file \(config\/sightglass\.yaml:1\): the file must be/,
    )
  })

  it('includes a name that is set twice, in either spelling', () => {
    expect(problemsOf({ yaml: 'drain_delay: 1s\ndrainDelay: 2s\n' })).toEqual([
      'drainDelay (config/sightglass.yaml:2): is set twice',
    ])
    expect(problemsOf({ yaml: 'port: 1\nport: 2\n' })[0]).toContain('config/sightglass.yaml:2')
  })

  it('includes a bind that others reach while nobody said who may call', () => {
    const [problem] = problemsOf({ env: { HOST: '0.0.0.0' } })
    expect(problem).toMatch(/^host = "0\.0\.0\.0" \(HOST\): wants AUTH=open/)
    expect(load({ env: { HOST: '0.0.0.0', AUTH: 'open' } }).settings.host).toBe('0.0.0.0')
  })

  it.each(['127.0.0.1', '127.8.9.1', 'localhost', '::1', '[::1]', '0:0:0:0:0:0:0:1'])(
    'lets %s be bound without that',
    (host) => {
      expect(load({ env: { HOST: host } }).settings.auth).toBeNull()
    },
  )

  it.each(['::', '192.168.1.2', 'example.com', '::ffff:10.0.0.1', '2001::1'])('asks for it for %s', (host) => {
    expect(problemsOf({ env: { HOST: host } })).toHaveLength(1)
  })

  it('includes a certificate file that cannot be read', () => {
    expect(problemsOf({ env: { CA_FILE: 'gone.pem' } })[0]).toContain('wants a PEM file that can be read (ENOENT)')
    expect(problemsOf({ env: { PRICES_FILE: 'gone.json' } })[0]).toContain(
      'wants a price list that can be read (ENOENT)',
    )
  })

  it('includes a default provider that is nowhere', () => {
    expect(problemsOf({ env: { DEFAULT_PROVIDER: 'openia' } })[0]).toContain('did you mean openai?')
    const yaml = 'default_provider: vllm-b\nupstreams: {vllm-b: {provider: vllm, url: "http://x"}}'
    expect(load({ yaml }).settings.defaultProvider).toBe('vllm-b')
  })
})
