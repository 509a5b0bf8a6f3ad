import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { nearest } from '../lib/nearest.ts'
import type { Provider } from '../records/provider.ts'
import { openFile } from './file.ts'
import { checkNames } from './names.ts'
import { Problems } from './problems.ts'
import { readSections } from './sections.ts'
import type { Settings } from './settings.ts'
import { candidates, type Given } from './sources.ts'
import { fields, type ScalarSettings, settingFlags, table } from './table.ts'
import { checkTogether } from './together.ts'

export interface Sources {
  /** Values by flag name, without dashes (`{ port: '0', 'data-dir': '/tmp/x', config: 'my.yaml' }`). */
  readonly flags?: Readonly<Record<string, string | undefined>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The settings file, where no flag and no SIGHTGLASS_CONFIG names one. */
  readonly configFile?: string
  readonly cwd?: string
  /** What `loadProviders` found: upstreams must be of one of them. */
  readonly providers: Iterable<Pick<Provider, 'id' | 'baseUrl'>>
}

export interface LoadedSettings {
  readonly settings: Settings
  /** Where each setting came from, by its YAML path: `PORT`, `--port`, `config/sightglass.yaml:12`, `default`. */
  readonly provenance: Provenance
  /** The file that was read, or null. */
  readonly configFile: string | null
  /** What was given and means nothing, for the log. */
  readonly warnings: readonly string[]
}

/** Prices of the operator's own, where no setting names another file. */
const usualPricesFile = 'config/prices.yaml'

export type Provenance = ReadonlyMap<string, string>

/**
 * Flag, then environment, then settings file, then default. Throws one `SettingsError` that lists everything wrong. Every
 * value that was given is checked, also one that another source overrides.
 */
export function loadSettings(sources: Sources): LoadedSettings {
  const cwd = sources.cwd ?? process.cwd()
  const env = sources.env ?? process.env
  const flags = sources.flags ?? {}
  const problems = new Problems()
  const provenance = new Map<string, string>()
  const warnings: string[] = []

  checkFlags(flags, problems)
  const file = openFile(configSource(flags, env, sources.configFile), cwd, problems)
  checkNames(file, problems)

  const scalars: Partial<ScalarSettings> = {}
  const place = <Field extends keyof ScalarSettings>(field: Field) => {
    const row = table[field]
    const given = candidates(row, { flags, env, file, cwd, problems })
    let chosen: { value: unknown; origin: string } | null = null
    for (const one of given) {
      const value = parsed(one, row.path, row.parse, problems)
      if (value !== undefined) chosen ??= { value, origin: one.origin }
    }
    chosen ??= { value: row.fallback === null ? null : row.parse.read(row.fallback), origin: 'default' }
    scalars[field] = chosen.value as ScalarSettings[Field]
    provenance.set(row.path, chosen.origin)
  }
  for (const field of fields) place(field)

  if (scalars.pricesFile === null && existsSync(resolve(cwd, usualPricesFile))) {
    provenance.set(table.pricesFile.path, 'usual place')
    Object.assign(scalars, { pricesFile: usualPricesFile })
  }
  const values = scalars as ScalarSettings
  const providers = [...sources.providers]
  const sections = readSections({ file, env, cwd, providers, problems, provenance, warnings })
  const upstreamIds = [...new Set([...providers.map(({ id }) => id), ...Object.keys(sections.upstreams)])]
  checkTogether(values, upstreamIds, provenance, cwd, problems)
  problems.raise()

  const { connectMs, headerWaitMs, idleMs, onDisconnect, drainBytes, drainMs, includeUsage, ...rest } = values
  const settings: Settings = {
    ...rest,
    dataDir: resolve(cwd, values.dataDir),
    caFile: values.caFile === null ? null : resolve(cwd, values.caFile),
    pricesFile: values.pricesFile === null ? null : resolve(cwd, values.pricesFile),
    csvFallbackDir: values.csvFallbackDir === null ? null : resolve(cwd, values.csvFallbackDir),
    upstreamDefaults: { connectMs, headerWaitMs, idleMs, onDisconnect, drainBytes, drainMs, includeUsage },
    ...sections,
  }
  return { settings: frozen(settings), provenance, configFile: file.name, warnings }
}

function parsed<Value>(
  given: Given,
  path: string,
  parser: { readonly wants: string; read(text: string): Value | undefined },
  problems: Problems,
): Value | undefined {
  const value = parser.read(given.text)
  if (value === undefined) problems.value(path, given.shown, given.origin, parser.wants)
  return value
}

function configSource(flags: Sources['flags'], env: Sources['env'], usual: string | undefined) {
  if (flags?.config !== undefined) return { path: flags.config, origin: '--config' }
  if (env?.SIGHTGLASS_CONFIG) return { path: env.SIGHTGLASS_CONFIG, origin: 'SIGHTGLASS_CONFIG' }
  return usual === undefined ? null : { path: usual, origin: 'the start' }
}

function checkFlags(flags: Readonly<Record<string, string | undefined>>, problems: Problems): void {
  for (const name of Object.keys(flags)) {
    if (name === 'config' || settingFlags.includes(name)) continue
    const near = nearest(name, settingFlags)
    problems.about(`--${name}`, 'command line', `no such setting${near ? `; did you mean --${near}?` : ''}`)
  }
}

function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
