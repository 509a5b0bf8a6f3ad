import { resolve } from 'node:path'
import { nearest } from '../lib/nearest.ts'
import { type Fields, namedEntries, providerWish, readFields, type SectionSources } from './entries.ts'
import * as parse from './parsers.ts'
import type { UpstreamSettings } from './settings.ts'
import { table } from './table.ts'
import { unreadable } from './together.ts'
import type { Entry } from './yaml.ts'

/** First path segments that mean something else, and so name no upstream. */
const reserved: ReadonlySet<string> = new Set([
  ...['v1', 'v1beta', 'api', 'p', 'health', 'ready', 'metrics', 'usage', 'llm-history', 'db-status', 'info'],
  ...[
    'telemetry',
    'projects',
    'keys',
    'traces',
    'analytics',
    'failures',
    'alerts',
    'models',
    'live',
    'docs',
    'dashboard',
  ],
])

const wanted: Fields<UpstreamSettings> = {
  provider: parse.upstreamId,
  url: parse.upstreamUrl,
  caFile: { ...parse.text('the path of a PEM file'), as: 'ca_file' },
  proxy: parse.upstreamProxy,
  connectMs: { ...table.connectMs.parse, as: 'connect_wait' },
  headerWaitMs: { ...table.headerWaitMs.parse, as: 'header_wait' },
  idleMs: { ...table.idleMs.parse, as: 'idle_wait' },
  onDisconnect: { ...table.onDisconnect.parse, as: 'on_disconnect' },
  drainBytes: { ...table.drainBytes.parse, as: 'drain_bytes' },
  drainMs: { ...table.drainMs.parse, as: 'drain_time' },
  includeUsage: { ...table.includeUsage.parse, as: 'include_usage' },
}

/** Names that an entry under `upstreams` may hold. */
export const upstreamNames: readonly string[] = Object.entries(wanted).map(([name, { as }]) => as ?? name)

/** The upstreams of the file and of `UPSTREAM_<ID>`. A provider's own upstream is there without being named. */
export function readUpstreams(sources: SectionSources): Record<string, UpstreamSettings> {
  const fromEnv = upstreamsInEnv(sources)
  const found: Record<string, UpstreamSettings> = {}
  for (const { id, entry } of namedEntries('upstreams', parse.upstreamId, sources)) {
    const path = `upstreams.${id}`
    const read = readFields<UpstreamSettings>(entry.value, path, wanted, sources)
    const upstream = completed(id, read, fromEnv.has(id) || saysUrl(entry), sources.file.place(entry), sources)
    if (upstream) found[id] = upstream
  }
  for (const [id, { url, origin, provider }] of fromEnv) {
    found[id] = { ...(found[id] ?? { provider }), url }
    sources.provenance.set(`upstreams.${id}.url`, origin)
  }
  return found
}

const saysUrl = ({ value }: Entry) =>
  value.kind === 'map' && value.entries.some((one) => one.name === 'url' && one.value.kind !== 'unset')

function completed(
  id: string,
  read: Partial<UpstreamSettings>,
  urlIsGiven: boolean,
  origin: string,
  sources: SectionSources,
): UpstreamSettings | null {
  const { problems, providers, cwd } = sources
  const path = `upstreams.${id}`
  if (reserved.has(id)) problems.about(path, origin, `the path /${id}/… means something else: choose another name`)
  const providerId = read.provider ?? id
  if (read.provider !== undefined && read.provider !== id && providers.some((one) => one.id === id)) {
    problems.value(
      `${path}.provider`,
      read.provider,
      origin,
      `${id}, or another name: this one is the provider ${id}'s own`,
    )
  }
  const provider = providers.find((one) => one.id === providerId)
  if (!provider) {
    const near = nearest(
      providerId,
      providers.map((one) => one.id),
    )
    const wish = `${providerWish(sources)}${near ? ` (did you mean ${near}?)` : ''}`
    problems.value(`${path}.provider`, read.provider ?? '', origin, wish)
  }
  // a provider's own upstream stands at its usual address; others must say theirs
  const url = read.url ?? (id === providerId ? (provider?.baseUrl ?? undefined) : undefined)
  if (url === undefined && !urlIsGiven) problems.about(path, origin, `wants a url: ${parse.upstreamUrl.wants}`)
  if (read.caFile !== undefined) {
    const wrong = unreadable(resolve(cwd, read.caFile))
    if (wrong) problems.value(`${path}.ca_file`, read.caFile, origin, `a PEM file that can be read (${wrong})`)
  }
  const caFile = read.caFile === undefined ? {} : { caFile: resolve(cwd, read.caFile) }
  return provider ? { ...read, ...caFile, provider: provider.id, url: url ?? '' } : null
}

interface EnvUpstream {
  readonly url: string
  readonly origin: string
  readonly provider: string
}

/** `UPSTREAM_VLLM_B=http://…` is the url of upstream `vllm-b`: one of the file, a provider's own, or a new one of its kind. */
function upstreamsInEnv(sources: SectionSources): ReadonlyMap<string, EnvUpstream> {
  const { env, file, problems, providers, warnings } = sources
  const found = new Map<string, EnvUpstream>()
  const section = file.find('upstreams')
  const inFile = section?.kind === 'map' ? section.entries.map(({ name }) => name) : []
  for (const name of Object.keys(env).sort()) {
    const given = env[name]
    if (!given || !/^UPSTREAM_[A-Z0-9]+(?:_[A-Z0-9]+)*$/.test(name)) continue
    const id = name.slice('UPSTREAM_'.length).toLowerCase().replaceAll('_', '-')
    const provider = providerOf(id, providers)
    const url = parse.upstreamUrl.read(given)
    if (provider === null && !inFile.includes(id)) {
      // clusters set variables such as UPSTREAM_PORT for a service of that name
      if (url === undefined) warnings.push(`${name} is set and names no upstream: ignored`)
      else problems.value(`upstreams.${id}`, given, name, unknownWish(id, sources))
    } else if (url === undefined) problems.value(`upstreams.${id}.url`, given, name, parse.upstreamUrl.wants)
    else found.set(id, { url, origin: name, provider: provider ?? '' })
  }
  return found
}

/** The provider of that id, or of the longest id that the name begins with (`vllm-b` is one of `vllm`). */
function providerOf(id: string, providers: SectionSources['providers']): string | null {
  const fitting = providers.filter((one) => id === one.id || id.startsWith(`${one.id}-`))
  return fitting.sort((one, other) => other.id.length - one.id.length)[0]?.id ?? null
}

function unknownWish(id: string, sources: SectionSources): string {
  const name = `UPSTREAM_<PROVIDER>_${id.toUpperCase().replaceAll('-', '_')}`
  return `an upstream that is named under upstreams: with its provider, or a name such as ${name}; ${providerWish(sources)}`
}
