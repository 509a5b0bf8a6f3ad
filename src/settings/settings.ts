import { join } from 'node:path'
import type { Capture } from '../records/exchange.ts'

/** Everything an operator can set, checked and frozen. Rows, defaults and texts: `table.ts`. */
export interface Settings {
  readonly host: string
  readonly port: number
  /** Processes that serve calls. */
  readonly workers: number
  /** `open`: callers bring their own provider keys. Needed for any bind that is not loopback. */
  readonly auth: 'open' | null
  readonly dataDir: string
  /** Secret. Null: made at first start. */
  readonly adminToken: string | null
  /** Secret: reads `/metrics` and nothing else. Null: only the admin token does. */
  readonly metricsToken: string | null
  /** Secret. Null: made with the data directory. */
  readonly pepper: string | null
  readonly trustedProxies: readonly string[]

  readonly defaultProvider: string
  readonly upstreams: Readonly<Record<string, UpstreamSettings>>
  readonly upstreamDefaults: UpstreamLimits
  readonly httpsProxy: string | null
  readonly httpProxy: string | null
  readonly noProxy: string | null
  /** PEM file with the certificates to trust besides the system's. */
  readonly caFile: string | null
  readonly pricesFile: string | null

  readonly captureRequest: Capture
  readonly captureResponse: Capture
  readonly captureRules: readonly CaptureRule[]
  /** Bytes kept of each body in the records. */
  readonly bodyLimitBytes: number
  /** Bytes of each body that pass through the journal for decoding. */
  readonly journalBodyLimitBytes: number
  readonly segmentBytes: number
  /** Disk for the journal and the embedded database together. */
  readonly journalLimitBytes: number
  /** What becomes of calls when it is used up. */
  readonly journalFull: 'serve' | 'refuse'
  /** `write`: what was recorded outlives this process. `sync`: a loss of power too. */
  readonly durability: 'write' | 'sync'

  readonly projects: Readonly<Record<string, ProjectSettings>>
  /** By key fingerprint. */
  readonly keys: Readonly<Record<string, KeySettings>>

  /** Secret, as the driver takes it. Null: records stay in the embedded database. */
  readonly mongoUri: string | null
  readonly mongoDatabase: string
  /** Days that things are kept, in the embedded database and in MongoDB; 0: for ever. */
  readonly telemetryDays: number
  readonly llmRunsDays: number
  /** Null: as long as what was said. */
  readonly bodiesDays: number | null
  readonly rollupsDays: number
  readonly connectionLogsDays: number
  readonly metricsDays: number
  /** Size of the embedded database at which the oldest goes. Null: half of `journalLimitBytes`. */
  readonly databaseLimitBytes: number | null
  /** Null: `telemetry_logs` in the data directory. */
  readonly csvFallbackDir: string | null

  readonly drainDelayMs: number
  readonly drainLimitMs: number
  /** For calls that name none. */
  readonly deploymentEnvironment: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'auto' | 'pretty' | 'json'
}

export interface UpstreamLimits {
  readonly connectMs: number
  readonly headerWaitMs: number
  readonly idleMs: number
  readonly onDisconnect: 'cancel' | 'drain'
  /** With `drain`: how much and how long the rest of an answer is read after the client left. */
  readonly drainBytes: number
  readonly drainMs: number
  /** Streams that lack it are asked for their usage, and the client does not see it. */
  readonly includeUsage: boolean
}

export interface UpstreamSettings extends Partial<UpstreamLimits> {
  readonly provider: string
  /** Origin and base path, without the `/v1` that the paths already carry. */
  readonly url: string
  readonly caFile?: string
  /** Proxy for this upstream, or `direct`. */
  readonly proxy?: string
}

/** The first rule whose given parts all match wins. `path` matches as a prefix. */
export interface CaptureRule {
  readonly project?: string
  readonly provider?: string
  readonly path?: string
  readonly request?: Capture
  readonly response?: Capture
}

export interface ProjectSettings {
  readonly name?: string
  /** Counts more than what the upstream's settings say. */
  readonly includeUsage?: boolean
}

export interface KeySettings {
  readonly project?: string
  readonly name?: string
}

export const csvDirectory = ({ csvFallbackDir, dataDir }: Pick<Settings, 'csvFallbackDir' | 'dataDir'>): string =>
  csvFallbackDir ?? join(dataDir, 'telemetry_logs')
