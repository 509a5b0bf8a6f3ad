import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { arrayAt, isObject, type JsonObject, stringAt } from '../records/json.ts'

/** Every price we know, by provider. Numbers of the files are kept as their decimal text. */
export interface PriceBook {
  readonly providers: ReadonlyMap<string, PriceList>
  /** Every id and alias of a provider, lower case: what may stand before `/` in a model name. */
  readonly prefixes: ReadonlySet<string>
}

export interface PriceList {
  readonly provider: string
  /** By model name and alias, lower case. */
  readonly entries: ReadonlyMap<string, PriceEntry>
  readonly rules: readonly PriceRule[]
  /** The model behind each name that a customer gave it (an Azure deployment), lower case. */
  readonly deployments: ReadonlyMap<string, string>
}

export interface PriceEntry {
  readonly provider: string
  readonly model: string
  readonly mode: string | null
  /** Day of the list and a short hash of its content: names the prices a cost was made from. */
  readonly version: string
  /** A rule's flat prices, not those of a listed model. */
  readonly fromRule: boolean
  /** The entry as in the file; numbers are decimal text. */
  readonly fields: JsonObject
}

/** Prices by pattern, for own hardware and free variants. */
export interface PriceRule {
  readonly matches: (name: string) => boolean
  readonly entry: PriceEntry
}

/** Reads `providers/<id>/prices.json` of every provider folder; later files may replace entries of earlier ones. */
export function loadPrices(more: readonly string[] = []): PriceBook {
  const providers = join(import.meta.dirname, '..', '..', 'providers')
  const builtIn = readdirSync(providers)
    .sort()
    .map((folder) => join(providers, folder, 'prices.json'))
    .filter((path) => existsSync(path))
  return priceBook([...builtIn, ...more].map((path) => ({ name: path, text: readFileSync(path, 'utf8') })))
}

/** Builds the book from the texts of price files (schema 1). Throws for a file that is none. */
export function priceBook(files: readonly { name: string; text: string }[]): PriceBook {
  const lists = new Map<string, ListInProgress>()
  const prefixes = new Set<string>()
  const listOf = (provider: string) => {
    const known = lists.get(provider)
    if (known) return known
    const list: ListInProgress = { entries: new Map(), rules: [], deployments: new Map() }
    lists.set(provider, list)
    prefixes.add(provider)
    return list
  }
  for (const { name, text } of files) {
    const file = readFile(name, text)
    const version = `${stringAt(file, 'as_of') ?? 'undated'}-${shortHash(text)}`
    for (const provider of arrayAt(file, 'providers')) {
      const id = stringAt(provider, 'id')
      if (id === null) throw new Error(`${name}: a provider without id`)
      listOf(id)
      for (const alias of arrayAt(provider, 'aliases')) prefixes.add(String(alias).toLowerCase())
    }
    for (const fields of arrayAt(file, 'models')) {
      const entry = entryOf(name, version, fields, 'model')
      const { entries } = listOf(entry.provider)
      entries.set(entry.model.toLowerCase(), entry)
      for (const alias of arrayAt(fields, 'aliases')) entries.set(String(alias).toLowerCase(), entry)
    }
    for (const fields of arrayAt(file, 'deployments')) {
      const [provider, deployment, model] = ['provider', 'deployment', 'model'].map((key) => stringAt(fields, key))
      if (!provider || !deployment || !model)
        throw new Error(`${name}: a deployment without provider, deployment or model`)
      listOf(provider).deployments.set(deployment.toLowerCase(), model.toLowerCase())
    }
    for (const fields of arrayAt(file, 'rules')) {
      const entry = entryOf(name, version, fields, 'match')
      const wanted = glob(entry.model)
      const except = arrayAt(fields, 'except').map((pattern) => glob(String(pattern)))
      const matches = (model: string): boolean => wanted.test(model) && !except.some((pattern) => pattern.test(model))
      listOf(entry.provider).rules.push({ matches, entry })
    }
  }
  return {
    providers: new Map([...lists].map(([provider, list]) => [provider, { provider, ...list }])),
    prefixes,
  }
}

interface ListInProgress {
  entries: Map<string, PriceEntry>
  rules: PriceRule[]
  deployments: Map<string, string>
}

function readFile(name: string, text: string): JsonObject {
  let file: unknown
  try {
    file = parse(text, (key, value, { source }) => {
      if (typeof value !== 'number' || source === undefined) return value
      if (!/^\d+(\.\d{1,12})?$/.test(source))
        throw new Error(`${key}: ${source}: wants a plain decimal of at most 12 places`)
      return source
    })
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!isObject(file) || file.schema !== '1') throw new Error(`${name}: no price file of schema 1`)
  return file
}

/** ECMAScript's JSON.parse source text access: a binary double would no longer be the price that was written. */
type ExactReviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parse = JSON.parse as (text: string, reviver: ExactReviver) => unknown

function entryOf(name: string, version: string, fields: unknown, key: 'model' | 'match'): PriceEntry {
  const provider = stringAt(fields, 'provider')
  const model = stringAt(fields, key)
  if (!isObject(fields) || provider === null || model === null)
    throw new Error(`${name}: a price without provider or ${key}`)
  return { provider, model, mode: stringAt(fields, 'mode'), version, fromRule: key === 'match', fields }
}

const glob = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    'is',
  )

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)
