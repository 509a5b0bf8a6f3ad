import type { Settings, UpstreamSettings } from '../../src/settings/settings.ts'

/** Complete settings for a proxy in a test: loopback, any free port, short drains. Upstreams may be given as ports. */
export function testSettings(overrides: SettingsOverrides & { dataDir: string }): Settings {
  const { upstreams, ...rest } = overrides
  return {
    host: '127.0.0.1',
    port: 0,
    workers: 1,
    auth: null,
    metricsToken: null,
    adminToken: 'test-admin-token',
    pepper: 'test-pepper-test-pepper-test-pepper-32',
    trustedProxies: [],
    defaultProvider: 'openai',
    upstreamDefaults: {
      connectMs: 5_000,
      headerWaitMs: 610_000,
      idleMs: 600_000,
      onDisconnect: 'cancel',
      drainBytes: 16 * 1024 * 1024,
      drainMs: 60_000,
      includeUsage: false,
    },
    httpsProxy: null,
    httpProxy: null,
    noProxy: null,
    caFile: null,
    pricesFile: null,
    captureRequest: 'full',
    captureResponse: 'full',
    captureRules: [],
    bodyLimitBytes: 1024 * 1024,
    journalBodyLimitBytes: 32 * 1024 * 1024,
    segmentBytes: 64 * 1024 * 1024,
    journalLimitBytes: 10_000_000_000,
    journalFull: 'serve',
    durability: 'write',
    projects: {},
    keys: {},
    mongoUri: null,
    mongoDatabase: 'sightglass',
    telemetryDays: 30,
    llmRunsDays: 30,
    bodiesDays: null,
    rollupsDays: 0,
    databaseLimitBytes: null,
    connectionLogsDays: 30,
    metricsDays: 30,
    csvFallbackDir: null,
    drainDelayMs: 0,
    drainLimitMs: 2_000,
    deploymentEnvironment: 'development',
    logLevel: 'warn',
    logFormat: 'json',
    ...rest,
    upstreams: Object.fromEntries(Object.entries(upstreams ?? {}).map(([id, place]) => [id, upstream(id, place)])),
  }
}

export type SettingsOverrides = Partial<Omit<Settings, 'upstreams'>> & {
  /** By id; a number is the port of a server on this machine that speaks the API of the provider with that id. */
  upstreams?: Readonly<Record<string, number | UpstreamSettings>>
}

const upstream = (id: string, place: number | UpstreamSettings): UpstreamSettings =>
  typeof place === 'number' ? { provider: id, url: `http://127.0.0.1:${place}` } : place
