import * as parse from './parsers.ts'
import type { Settings, UpstreamLimits } from './settings.ts'

/** The settings that are one value each; `upstreams`, `projects`, `keys` and `capture.rules` are read in `sections.ts`. */
export type ScalarSettings = Omit<Settings, 'upstreamDefaults' | 'upstreams' | 'captureRules' | 'projects' | 'keys'> &
  UpstreamLimits

export interface Row<Value> {
  /** Place in the YAML file. */
  readonly path: string
  /** Environment variables, the first that is set wins. A duration `X` may also be given as `X_MS`, in plain milliseconds. */
  readonly env: readonly string[]
  readonly flag: string | null
  readonly parse: parse.Parser<NonNullable<Value>>
  /** As one would write it; null: not set. */
  readonly fallback: string | null
  /** Printed as `***`, and also read from a file: `<ENV>_FILE`, or `<path>_file` in YAML. */
  readonly secret?: true
  readonly isDuration?: true
  readonly about: string
}

/** One row per setting: where it is said, how it is read, what holds otherwise. The reference is made from it. */
export const table: { readonly [Field in keyof ScalarSettings]: Row<ScalarSettings[Field]> } = {
  host: {
    path: 'host',
    env: ['HOST'],
    flag: 'host',
    parse: parse.host,
    fallback: '127.0.0.1',
    about: 'Address to listen on; any but a loopback one needs `auth`.',
  },
  port: {
    path: 'port',
    env: ['PORT'],
    flag: 'port',
    parse: parse.whole(0, 65_535),
    fallback: '8484',
    about: 'Port to listen on; 0 takes a free one.',
  },
  workers: {
    path: 'workers',
    env: ['WORKERS'],
    flag: 'workers',
    parse: parse.whole(1, 64),
    fallback: '1',
    about:
      'Processes that serve calls on the one port, for machines where one core is not enough; all records are made by one of them.',
  },
  auth: {
    path: 'auth',
    env: ['AUTH'],
    flag: 'auth',
    parse: parse.oneOf('open'),
    fallback: null,
    about:
      'Who may call: `open` lets in every caller, who brings an own provider key; must be said for other than loopback.',
  },
  dataDir: {
    path: 'data_dir',
    env: ['DATA_DIR'],
    flag: 'data-dir',
    parse: parse.text('the path of a directory'),
    fallback: 'data',
    about: 'Directory of the journal, the embedded database, the admin token and the pepper.',
  },
  adminToken: {
    path: 'admin_token',
    env: ['ADMIN_TOKEN'],
    flag: null,
    parse: parse.secret,
    fallback: null,
    secret: true,
    about: 'Token that reads everything; made at the first start and stored in the data directory if not set.',
  },
  metricsToken: {
    path: 'metrics_token',
    env: ['METRICS_TOKEN'],
    flag: null,
    parse: parse.secret,
    fallback: null,
    secret: true,
    about: 'Token that reads `/metrics` and nothing else, for a scraper; the admin token reads it too.',
  },
  pepper: {
    path: 'pepper',
    env: ['PEPPER'],
    flag: null,
    parse: parse.secret,
    fallback: null,
    secret: true,
    about:
      'Secret under which keys are hashed; made with the data directory if not set, the same for all that share a database.',
  },
  trustedProxies: {
    path: 'trusted_proxies',
    env: ['TRUSTED_PROXIES'],
    flag: 'trusted-proxies',
    parse: parse.networks,
    fallback: '',
    about:
      'Addresses and networks of the proxies in front, whose `Forwarded` and `X-Forwarded-*` headers are believed.',
  },
  defaultProvider: {
    path: 'default_provider',
    env: ['DEFAULT_PROVIDER'],
    flag: 'default-provider',
    parse: parse.upstreamId,
    fallback: 'openai',
    about: 'Provider or upstream of `/v1/…` calls that name none.',
  },
  connectMs: {
    path: 'upstream_defaults.connect_wait',
    env: ['CONNECT_WAIT'],
    flag: 'connect-wait',
    parse: parse.duration(1),
    fallback: '10s',
    isDuration: true,
    about: 'Longest wait for a connection to an upstream.',
  },
  headerWaitMs: {
    path: 'upstream_defaults.header_wait',
    env: ['HEADER_WAIT'],
    flag: 'header-wait',
    parse: parse.duration(),
    fallback: '610s',
    isDuration: true,
    about: 'Longest wait for the head of an answer; 0 waits for ever.',
  },
  idleMs: {
    path: 'upstream_defaults.idle_wait',
    env: ['IDLE_WAIT'],
    flag: 'idle-wait',
    parse: parse.duration(),
    fallback: '600s',
    isDuration: true,
    about: 'Longest silence within an answer; 0 waits for ever.',
  },
  onDisconnect: {
    path: 'upstream_defaults.on_disconnect',
    env: ['ON_DISCONNECT'],
    flag: 'on-disconnect',
    parse: parse.oneOf('cancel', 'drain'),
    fallback: 'cancel',
    about:
      'When the client leaves: `cancel` the upstream call at once, or `drain` the rest of the answer to learn its usage.',
  },
  drainBytes: {
    path: 'upstream_defaults.drain_bytes',
    env: ['DRAIN_BYTES'],
    flag: 'drain-bytes',
    parse: parse.size(0, 2 ** 40),
    fallback: '16MiB',
    about: 'With `on_disconnect: drain`, how much of the answer is still read.',
  },
  drainMs: {
    path: 'upstream_defaults.drain_time',
    env: ['DRAIN_TIME'],
    flag: 'drain-time',
    parse: parse.duration(),
    fallback: '60s',
    isDuration: true,
    about: 'With `on_disconnect: drain`, how long the answer is still read.',
  },
  includeUsage: {
    path: 'upstream_defaults.include_usage',
    env: ['INCLUDE_USAGE'],
    flag: 'include-usage',
    parse: parse.yesOrNo,
    fallback: 'false',
    about:
      'Whether OpenAI-shaped streams are asked for their usage (`stream_options.include_usage`) when the client does not ask; it is taken out of the answer again.',
  },
  httpsProxy: {
    path: 'https_proxy',
    env: ['HTTPS_PROXY', 'https_proxy'],
    flag: null,
    parse: parse.proxyUrl,
    fallback: null,
    about: 'Proxy on the way to `https://` upstreams.',
  },
  httpProxy: {
    path: 'http_proxy',
    env: ['HTTP_PROXY', 'http_proxy'],
    flag: null,
    parse: parse.proxyUrl,
    fallback: null,
    about: 'Proxy on the way to `http://` upstreams.',
  },
  noProxy: {
    path: 'no_proxy',
    env: ['NO_PROXY', 'no_proxy'],
    flag: null,
    parse: parse.text('host names, separated by commas'),
    fallback: null,
    about: 'Hosts that are reached without those proxies, separated by commas; `*` means all.',
  },
  caFile: {
    path: 'ca_file',
    env: ['CA_FILE'],
    flag: 'ca-file',
    parse: parse.text('the path of a PEM file'),
    fallback: null,
    about: 'PEM file with certificates to trust besides the usual ones (and those of `NODE_EXTRA_CA_CERTS`).',
  },
  pricesFile: {
    path: 'prices_file',
    env: ['PRICES_FILE'],
    flag: 'prices-file',
    parse: parse.text('the path of a price list'),
    fallback: null,
    about:
      'Price list of your own, YAML or JSON: its entries come before the built-in ones; `config/prices.yaml` if that is there and none is set.',
  },
  captureRequest: {
    path: 'capture.request',
    env: ['CAPTURE_REQUEST', 'CAPTURE'],
    flag: 'capture-request',
    parse: parse.oneOf('full', 'metadata', 'off'),
    fallback: 'full',
    about:
      'What is kept of requests: `full` bytes, `metadata` (bytes only until they are metered), or `off` (never written).',
  },
  captureResponse: {
    path: 'capture.response',
    env: ['CAPTURE_RESPONSE', 'CAPTURE'],
    flag: 'capture-response',
    parse: parse.oneOf('full', 'metadata', 'off'),
    fallback: 'full',
    about: 'The same for answers. `capture: off` in place of the section, or `CAPTURE`, sets both.',
  },
  bodyLimitBytes: {
    path: 'capture.body_limit',
    env: ['BODY_LIMIT'],
    flag: 'body-limit',
    parse: parse.size(0, 2 ** 30),
    fallback: '1MiB',
    about: 'Bytes kept of each body in the records.',
  },
  journalBodyLimitBytes: {
    path: 'journal.body_limit',
    env: ['JOURNAL_BODY_LIMIT'],
    flag: 'journal-body-limit',
    parse: parse.size(64 * 1024, 2 ** 30),
    fallback: '32MiB',
    about: 'Bytes of each body that pass through the journal for decoding; of longer ones the head and the tail.',
  },
  segmentBytes: {
    path: 'journal.segment_size',
    env: ['JOURNAL_SEGMENT_SIZE'],
    flag: 'journal-segment-size',
    parse: parse.size(4 * 1024, 2 ** 30),
    fallback: '64MiB',
    about: 'Size at which a new file of the journal is begun.',
  },
  journalLimitBytes: {
    path: 'journal.limit',
    env: ['JOURNAL_LIMIT'],
    flag: 'journal-limit',
    parse: parse.size(1024 * 1024, 2 ** 50),
    fallback: '10GB',
    about:
      'Disk for the journal and the embedded database together, or what the disk has if that is less. From 80 % on bodies are no longer kept.',
  },
  journalFull: {
    path: 'journal.full',
    env: ['JOURNAL_FULL'],
    flag: 'journal-full',
    parse: parse.oneOf('serve', 'refuse'),
    fallback: 'serve',
    about: 'When all of it is used: `serve` calls without a record (they are counted), or `refuse` them with 503.',
  },
  durability: {
    path: 'durability',
    env: ['DURABILITY'],
    flag: 'durability',
    parse: parse.oneOf('write', 'sync'),
    fallback: 'write',
    about:
      'What a call waits for: `write` outlives the process (after a power loss at most 500 ms are missing), `sync` a power loss too.',
  },
  mongoUri: {
    path: 'mongo.uri',
    env: ['MONGO_URI', 'MONGODB_URI', 'MONGO_URL'],
    flag: null,
    parse: parse.mongoUri,
    fallback: null,
    secret: true,
    about:
      'Address of the MongoDB that records are delivered to, `mongodb://…` or `mongodb+srv://…`; without it they stay in the embedded database.',
  },
  mongoDatabase: {
    path: 'mongo.database',
    env: ['DB_NAME'],
    flag: 'db-name',
    parse: parse.databaseName,
    fallback: 'sightglass',
    about: 'Name of the database there.',
  },
  telemetryDays: {
    path: 'retention.telemetry_days',
    env: ['TELEMETRY_DAYS', 'RETENTION_DAYS'],
    flag: null,
    parse: parse.whole(0, 24_855),
    fallback: '30',
    about:
      'Days that calls are kept, in the embedded database and in MongoDB (`telemetry`); 0 keeps them for ever. `RETENTION_DAYS` sets the four that name it.',
  },
  llmRunsDays: {
    path: 'retention.llm_runs_days',
    env: ['LLM_RUNS_DAYS', 'RETENTION_DAYS'],
    flag: null,
    parse: parse.whole(0, 24_855),
    fallback: '30',
    about: 'The same for what was said (`llm_runs`). In the embedded database it goes with its call at the latest.',
  },
  bodiesDays: {
    path: 'retention.bodies_days',
    env: ['BODIES_DAYS'],
    flag: null,
    parse: parse.whole(0, 24_855),
    fallback: null,
    about:
      'The same for the raw bytes of requests and answers; if not set, as long as what was said, and never longer.',
  },
  rollupsDays: {
    path: 'retention.rollups_days',
    env: ['ROLLUPS_DAYS'],
    flag: null,
    parse: parse.whole(0, 24_855),
    fallback: '0',
    about: 'The same for the sums that `/usage` answers from (`rollups`).',
  },
  connectionLogsDays: {
    path: 'retention.connection_logs_days',
    env: ['CONNECTION_LOGS_DAYS', 'RETENTION_DAYS'],
    flag: null,
    parse: parse.whole(0, 24_855),
    fallback: '30',
    about: 'The same for the log of connections (`connection_logs`).',
  },
  metricsDays: {
    path: 'retention.metrics_days',
    env: ['METRICS_DAYS', 'RETENTION_DAYS'],
    flag: null,
    parse: parse.whole(0, 24_855),
    fallback: '30',
    about: 'The same for the hourly sums (`metrics`).',
  },
  databaseLimitBytes: {
    path: 'retention.database_limit',
    env: ['DATABASE_LIMIT'],
    flag: 'database-limit',
    parse: parse.size(1024 * 1024, 2 ** 50),
    fallback: null,
    about:
      'Size of the embedded database at which the oldest bodies go, then the oldest calls; half of `journal.limit` if not set, and at most seven tenths of it.',
  },
  csvFallbackDir: {
    path: 'csv_fallback_dir',
    env: ['CSV_FALLBACK_DIR'],
    flag: 'csv-fallback-dir',
    parse: parse.text('the path of a directory'),
    fallback: null,
    about:
      'Where calls are also written as CSV while MongoDB is away, `telemetry_YYYY-MM-DD.csv` by UTC day; `telemetry_logs` in the data directory if not set.',
  },
  drainDelayMs: {
    path: 'drain_delay',
    env: ['DRAIN_DELAY'],
    flag: 'drain-delay',
    parse: parse.duration(),
    fallback: '5s',
    isDuration: true,
    about: 'At a stop, how long new calls are still served after `/ready` said 503.',
  },
  drainLimitMs: {
    path: 'drain_limit',
    env: ['DRAIN_LIMIT'],
    flag: 'drain-limit',
    parse: parse.duration(),
    fallback: '120s',
    isDuration: true,
    about: 'At a stop, how long running calls may take to finish after that.',
  },
  deploymentEnvironment: {
    path: 'deployment_environment',
    env: ['DEPLOYMENT_ENVIRONMENT'],
    flag: null,
    parse: parse.text('a name such as production'),
    fallback: 'development',
    about: 'Name of this deployment in OpenTelemetry log documents, for calls that name none in `x-environment`.',
  },
  logLevel: {
    path: 'log.level',
    env: ['LOG_LEVEL'],
    flag: 'log-level',
    parse: parse.oneOf('debug', 'info', 'warn', 'error'),
    fallback: 'info',
    about: 'Least important event that is logged; `DEBUG=true` means `debug` where the environment names no level.',
  },
  logFormat: {
    path: 'log.format',
    env: ['LOG_FORMAT'],
    flag: 'log-format',
    parse: parse.oneOf('auto', 'pretty', 'json'),
    fallback: 'auto',
    about: '`pretty` lines for people, `json`, or `auto`: pretty on a terminal.',
  },
}

export const fields = Object.keys(table) as readonly (keyof ScalarSettings)[]

/** Names of all flags that set something, without their dashes. */
export const settingFlags: readonly string[] = fields.flatMap((field) => table[field].flag ?? [])
