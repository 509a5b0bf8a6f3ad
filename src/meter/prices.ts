import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { arrayAt, isObject, type JsonObject, stringAt } from '../records/json.ts'
import { readPriceFile } from './price-file.ts'

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
  /** Names of the operator's own (deployments, routes of a gateway) and the models they stand for, lower case. */
  readonly names: ReadonlyMap<string, string>
  readonly rules: readonly PriceRule[]
}

export interface PriceEntry {
  readonly provider: string
  readonly model: string
  readonly mode: string | null
  /** Day of the list and a short hash of its content: names the prices a cost was made from. */
  readonly version: string
  /** The file it stands in. */
  readonly file: string
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

/** The folder whose files hold the built-in prices. */
export const builtInPrices = join(import.meta.dirname, '..', '..', 'providers')

/** Reads `providers/<id>/prices.json` of every provider folder; entries, names and rules of later files come first. */
export function loadPrices(more: readonly string[] = []): PriceBook {
  const builtIn = readdirSync(builtInPrices)
    .sort()
    .map((folder) => join(builtInPrices, folder, 'prices.json'))
    .filter((path) => existsSync(path))
  return priceBook([...builtIn, ...more].map((path) => ({ name: path, text: readFileSync(path, 'utf8') })))
}

/** Builds the book from the texts of price files (schema 1). Throws for a file that is none. */
export function priceBook(files: readonly { name: string; text: string }[]): PriceBook {
  const lists = new Map<string, ListInProgress>()
  const prefixes = new Set<string>()
  const listOf = (provider: string): ListInProgress => {
    const known = lists.get(provider)
    if (known) return known
    const list: ListInProgress = { entries: new Map(), names: new Map(), rules: [] }
    lists.set(provider, list)
    prefixes.add(provider)
    return list
  }
  for (const { name, text } of files) {
    const file = readPriceFile(name, text)
    const version = `${stringAt(file, 'as_of') ?? 'undated'}-${shortHash(text)}`
    for (const provider of arrayAt(file, 'providers')) {
      const id = stringAt(provider, 'id')
      if (id === null) throw new Error(`${name}: a provider without id`)
      listOf(id)
      for (const alias of arrayAt(provider, 'aliases')) prefixes.add(String(alias).toLowerCase())
    }
    for (const fields of arrayAt(file, 'models')) {
      const entry = entryOf(name, version, fields, 'model')
      enter(listOf(entry.provider).entries, entry)
    }
    for (const fields of arrayAt(file, 'names')) {
      const provider = stringAt(fields, 'provider')
      const own = stringAt(fields, 'name')
      const model = stringAt(fields, 'model')
      if (provider === null || own === null || model === null)
        throw new Error(`${name}: a name without provider, name or model`)
      listOf(provider).names.set(own.toLowerCase(), model.toLowerCase())
    }
    // of rules the first that fits holds, and later files come before earlier ones
    for (const fields of arrayAt(file, 'rules').toReversed()) {
      const entry = entryOf(name, version, fields, 'match')
      const wanted = glob(entry.model)
      const except = arrayAt(fields, 'except').map((pattern) => glob(String(pattern)))
      const matches = (model: string): boolean => wanted.test(model) && !except.some((pattern) => pattern.test(model))
      listOf(entry.provider).rules.unshift({ matches, entry })
    }
  }
  return {
    providers: new Map([...lists].map(([provider, list]) => [provider, { provider, ...list }])),
    prefixes,
  }
}

interface ListInProgress {
  entries: Map<string, PriceEntry>
  names: Map<string, string>
  rules: PriceRule[]
}

/** An entry takes the place of an earlier one of its name, under all names that this one had. */
function enter(entries: Map<string, PriceEntry>, entry: PriceEntry): void {
  const name = entry.model.toLowerCase()
  const earlier = entries.get(name)
  if (earlier?.model.toLowerCase() === name)
    for (const [known, one] of entries) if (one === earlier) entries.set(known, entry)
  for (const known of [name, ...arrayAt(entry.fields, 'aliases').map((alias) => String(alias).toLowerCase())])
    if (known !== '') entries.set(known, entry)
}

function entryOf(name: string, version: string, fields: unknown, key: 'model' | 'match'): PriceEntry {
  const provider = stringAt(fields, 'provider')
  const model = stringAt(fields, key)
  if (!isObject(fields) || provider === null || model === null)
    throw new Error(`${name}: a price without provider or ${key}`)
  return { provider, model, mode: stringAt(fields, 'mode'), version, file: name, fromRule: key === 'match', fields }
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
