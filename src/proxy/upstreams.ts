import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { buildConnector, Client, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from 'undici'
import { given } from '../lib/given.ts'
import type { Provider } from '../records/provider.ts'
import type { Settings, UpstreamLimits, UpstreamSettings } from '../settings/settings.ts'

/** As much as the front door takes of a request. */
const headerBytes = 64 * 1024

/** An address of a provider, with the connections to it. */
export interface Upstream {
  readonly name: string
  readonly provider: Provider
  readonly origin: string
  /** `host[:port]`, as the upstream's own Host. */
  readonly authority: string
  /** Path before every call's own, without a slash at its end; may be empty. */
  readonly basePath: string
  readonly limits: UpstreamLimits
  readonly dispatcher: Dispatcher
  readonly passesContext: ReadonlySet<string>
}

export interface Upstreams {
  get(name: string): Upstream | undefined
  /** The provider of that id, if its address is not known. */
  withoutUrl(name: string): Provider | undefined
  all(): readonly Upstream[]
  close(): Promise<void>
}

/** One upstream for each provider, under the provider's id, and those that the settings name besides. */
export function openUpstreams(settings: Settings, providers: ReadonlyMap<string, Provider>): Upstreams {
  const upstreams = new Map<string, Upstream>()
  const withoutUrl = new Map<string, Provider>()
  for (const provider of providers.values()) {
    const chosen = settings.upstreams[provider.id]
    const url = chosen?.url ?? provider.baseUrl
    if (url === null) withoutUrl.set(provider.id, provider)
    else upstreams.set(provider.id, open(provider.id, provider, url, chosen, settings))
  }
  for (const [name, chosen] of Object.entries(settings.upstreams)) {
    const provider = providers.get(chosen.provider)
    if (provider && !upstreams.has(name)) upstreams.set(name, open(name, provider, chosen.url, chosen, settings))
  }
  return {
    get: (name) => upstreams.get(name),
    withoutUrl: (name) => withoutUrl.get(name),
    all: () => [...upstreams.values()],
    close: async () => {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.dispatcher.destroy()))
    },
  }
}

function open(
  name: string,
  provider: Provider,
  address: string,
  chosen: UpstreamSettings | undefined,
  settings: Settings,
): Upstream {
  const url = new URL(address)
  const { includeUsage = settings.upstreamDefaults.includeUsage } = settings.upstreams[provider.id] ?? {}
  const limits: UpstreamLimits = { ...settings.upstreamDefaults, includeUsage, ...given(chosen ?? {}) }
  return {
    name,
    provider,
    origin: url.origin,
    authority: url.host,
    basePath: withoutPrefix(url.pathname.replace(/\/+$/, ''), provider.apiPrefix),
    limits,
    dispatcher: dispatcherFor(url.origin, limits, chosen, settings),
    passesContext: new Set(provider.passesContext),
  }
}

/** The paths carry the prefix of the vendor's API; an address may end with it, and must not say it twice. */
const withoutPrefix = (path: string, prefix: string | undefined): string =>
  prefix !== undefined && path.endsWith(prefix) ? path.slice(0, -prefix.length) : path

function dispatcherFor(
  origin: string,
  limits: UpstreamLimits,
  chosen: UpstreamSettings | undefined,
  settings: Settings,
): Dispatcher {
  const ca = trustedBy(chosen?.caFile ?? settings.caFile)
  const tls = ca ? { ca } : {}
  const options: Pool.Options = {
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: headerBytes,
    headersTimeout: limits.headerWaitMs,
    bodyTimeout: limits.idleMs,
    connect: { timeout: limits.connectMs, ...tls },
    factory: (target, given) => new WatchedClient(target, given as Client.Options),
  }
  const { httpProxy, httpsProxy, noProxy } = settings
  const throughProxy = {
    ...options,
    factory: (target: string | URL, given: object) => new Pool(target, { ...given, factory: options.factory! }),
    requestTls: { timeout: limits.connectMs, ...tls },
    proxyTls: { timeout: limits.connectMs, ...tls },
  }
  if (chosen?.proxy && chosen.proxy !== 'direct') return new ProxyAgent({ ...throughProxy, uri: chosen.proxy })
  if ((httpProxy || httpsProxy) && chosen?.proxy !== 'direct')
    return new EnvHttpProxyAgent({
      ...throughProxy,
      ...(httpProxy && { httpProxy }),
      ...(httpsProxy && { httpsProxy }),
      noProxy: noProxy ?? '',
    })
  return new Pool(origin, options)
}

function trustedBy(caFile: string | null | undefined): string[] | undefined {
  return caFile ? [...getCACertificates('default'), readFileSync(caFile, 'utf8')] : undefined
}

/** A handler that learns which connection carries its call. */
export interface Linked {
  connection?: Connection
}

/** A connection that is made anew whenever it is gone. */
export interface Connection {
  link: Link
}

/** What became of the connection; undici reports a reset of an answer without length as a clean end. */
export interface Link {
  reset: boolean
}

class WatchedClient extends Client {
  readonly #connection: Connection

  constructor(origin: string | URL, options: Client.Options) {
    const connection: Connection = { link: { reset: false } }
    const connect = typeof options.connect === 'function' ? options.connect : buildConnector(options.connect)
    super(origin, {
      ...options,
      connect: (target, done) =>
        connect(target, (...result) => {
          const link: Link = { reset: false }
          connection.link = link
          result[1]?.once('error', () => {
            link.reset = true
          })
          done(...result)
        }),
    })
    this.#connection = connection
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler & Linked): boolean {
    handler.connection = this.#connection
    return super.dispatch(options, handler)
  }
}
